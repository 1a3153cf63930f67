"""AG Grid tables: sortable and filterable lists of many rows, in the reader's language."""

from __future__ import annotations

from typing import Any

import dash_ag_grid as dag

from i18n import _, current_locale

VIETNAMESE = {
    "noRowsToShow": "Không có dòng nào",
    "loadingOoo": "Đang tải…",
    "searchOoo": "Tìm…",
    "filterOoo": "Lọc…",
    "equals": "Bằng",
    "notEqual": "Khác",
    "blank": "Trống",
    "notBlank": "Không trống",
    "empty": "Chọn một",
    "lessThan": "Nhỏ hơn",
    "greaterThan": "Lớn hơn",
    "lessThanOrEqual": "Không quá",
    "greaterThanOrEqual": "Ít nhất",
    "inRange": "Trong khoảng",
    "inRangeStart": "Từ",
    "inRangeEnd": "đến",
    "contains": "Có chứa",
    "notContains": "Không chứa",
    "startsWith": "Bắt đầu bằng",
    "endsWith": "Kết thúc bằng",
    "andCondition": "VÀ",
    "orCondition": "HOẶC",
    "applyFilter": "Áp dụng",
    "resetFilter": "Đặt lại",
    "clearFilter": "Xóa lọc",
    "cancelFilter": "Hủy",
    "textFilter": "Lọc chữ",
    "numberFilter": "Lọc số",
    "page": "Trang",
    "to": "đến",
    "of": "trên",
    "more": "nhiều hơn",
    "pageSizeSelectorLabel": "Số dòng mỗi trang:",
    "firstPage": "Trang đầu",
    "lastPage": "Trang cuối",
    "nextPage": "Trang sau",
    "previousPage": "Trang trước",
    "sortAscending": "Xếp tăng dần",
    "sortDescending": "Xếp giảm dần",
    "sortUnSort": "Bỏ xếp",
    "columnFilter": "Lọc theo cột",
    "ariaFilterInput": "Ô lọc",
    "ariaFilterMenuOpen": "Mở bộ lọc",
    "ariaSortableColumn": "Nhấn Enter để xếp",
    "ariaRowSelect": "Nhấn phím cách để chọn dòng",
    "ariaRowDeselect": "Nhấn phím cách để bỏ chọn dòng",
    "ariaRowToggleSelection": "Nhấn phím cách để đổi lựa chọn",
    "ariaFilteringOperator": "Điều kiện lọc",
    "ariaFilterValue": "Giá trị lọc",
    "ariaSkeletonCellLoading": "Đang tải dòng",
    "ariaPageSizeSelectorLabel": "Số dòng mỗi trang",
    "ariaColumnFiltered": "Cột đang lọc",
    "ariaColumnCellSelection": "Nhấn Enter để chọn các ô đang hiện của cột này",
    "ariaColumnGroupCellSelection": "Nhấn Enter để chọn các ô đang hiện của nhóm cột này",
    "ariaColumnGroupExpansion": "Nhấn Enter để mở hoặc gập nhóm cột này",
    "ariaDateFilterInput": "Ô lọc ngày",
    "ariaDeferSkeletonCellLoading": "Đang tải ô",
    "ariaFilterColumn": "Nhấn Ctrl và Enter để mở bộ lọc",
    "ariaFilterFromValue": "Lọc từ giá trị",
    "ariaFilterToValue": "Lọc đến giá trị",
    "ariaHasNote": "Ô này có ghi chú.",
    "ariaHeaderSelection": "Cột có ô chọn ở tiêu đề",
    "ariaInputEditor": "Ô nhập",
    "ariaLabelColumnFilter": "Bộ lọc cột",
    "ariaLabelColumnMenu": "Trình đơn của cột",
    "ariaLabelTooltip": "Chú giải",
    "ariaMenuColumn": "Nhấn Alt và mũi tên xuống để mở trình đơn của cột",
    "ariaPendingChange": "Thay đổi chưa lưu",
    "ariaRowSelectAll": "Nhấn phím cách để chọn hoặc bỏ chọn mọi dòng",
    "ariaSkeletonCellLoadingFailed": "Không tải được dòng",
    "ariaSortableColumnWithCellSelection": "Nhấn Alt và Enter để xếp",
    "ariaToggleCellValue": "Nhấn phím cách để đổi giá trị của ô",
    "ariaValidationErrorPrefix": "Giá trị chưa hợp lệ",
    "exportingOoo": "Đang xuất…",
    "invalidBigInt": "Số không hợp lệ",
    "invalidDate": "Ngày không hợp lệ",
    "invalidNumber": "Số không hợp lệ",
    "invalidSelectionValidation": "Lựa chọn không hợp lệ.",
    "loadingError": "Lỗi",
    "noMatchingRows": "Không có dòng khớp",
    "thousandSeparator": ".",
    "decimalSeparator": ",",
}


_NUMBER = {
    name: f"params.value == null ? '–' : params.value.toLocaleString('{name}')" for name in ("vi", "en")
}
LAW = "Thông tư 15/2026/TT-BYT"


ONE_ROW = {"mode": "singleRow", "checkboxes": False, "enableClickSelection": False}
"""Rows are marked by the page, not by a click."""


def level_column(width: int = 140) -> dict[str, Any]:
    """The level badge, sorted by its order."""
    return {
        "field": "level_order",
        "headerName": _("Mức"),
        "cellRenderer": "LevelBadge",
        "width": width,
        "minWidth": width,
        "filter": False,
    }


def number_column(field: str, title: str, width: int = 120, **props: Any) -> dict[str, Any]:
    return {
        "field": field,
        "headerName": title,
        "type": "rightAligned",
        "filter": "agNumberColumnFilter",
        "width": width,
        "minWidth": width,
        **props,
    }


def disease_column(width: int) -> dict[str, Any]:
    """Of short names, which English has longer."""
    return fixed_column("disease", _("Bệnh"), width if current_locale() == "vi" else 84)


def fixed_column(field: str, title: str, width: int, **props: Any) -> dict[str, Any]:
    """As wide as said, and not filtered."""
    return text_column(field, title, width, flex=None, width=width, filter=False, **props)


def text_column(field: str, title: str, min_width: int = 140, **props: Any) -> dict[str, Any]:
    return {
        "field": field,
        "headerName": title,
        "flex": 1,
        "minWidth": min_width,
        "tooltipField": field,
        **props,
    }


def locale_text() -> dict[str, str]:
    """AG Grid's own words in the reader's language; it knows English itself."""
    return VIETNAMESE if current_locale() == "vi" else {}


def grid(id: str, columns: list[dict[str, Any]], **options: Any) -> dag.AgGrid:
    """A grid whose rows, known by "id", come from a callback; until then it says that it loads.

    A click on a row is its `cellClicked`.
    """
    return dag.AgGrid(
        id=id,
        columnDefs=columns,
        getRowId="params.data.id",
        defaultColDef={
            "sortable": True,
            "filter": "agTextColumnFilter",
            "resizable": True,
            "suppressHeaderMenuButton": True,
            "wrapHeaderText": True,
            "autoHeaderHeight": True,
        },
        dashGridOptions={
            "localeText": locale_text(),
            "rowHeight": 44,
            "headerHeight": 44,
            "suppressCellFocus": False,
            "animateRows": False,
            **options,
        },
        style={"height": "100%", "width": "100%"},
    )


def commune_grid(release: bool) -> dag.AgGrid:
    return grid("map-grid", commune_columns(release))


def commune_columns(release: bool = False) -> list[dict[str, Any]]:
    """`release`: of another time, when many wards had one name and some cases are shared out."""
    tenths: dict[str, Any] = {"filter": False, "valueFormatter": {"function": _NUMBER[current_locale()]}}
    cases = [
        number_column("cases_7", _("Ca 7 ngày"), 105, **tenths),
        number_column("cases_28", _("Ca 28 ngày"), 110, **tenths),
        number_column("rate", _("/100.000 dân"), 125, **tenths),
    ]
    if release:
        names = [text_column("place", _("Xã, phường"), 150), text_column("parent", _("Thuộc"), 130)]
        return [
            *names,
            *cases,
            number_column("estimated", _("Ước tính, %"), 115, filter=False),
            level_column(),
        ]
    law = text_column("status", _("Theo luật"), 160, headerTooltip=LAW)
    return [text_column("place", _("Xã, phường"), 170), level_column(), *cases, law]
