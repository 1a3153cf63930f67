"""The paper that a duty asks for, filled as far as the system knows, to be completed and signed: PDF and DOCX.

Content by arts. 22(2), 25 and 26 of Circular 15/2026/TT-BYT, and by Form 02 (running) of Decision 97/QĐ-PB, as
domain.md §2.1–2.2 gives them. The exact layout of the forms is not in our sources. Vietnamese whatever the reader's
language: these are documents of a Vietnamese authority. Counts and places only; nothing of a patient.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy.orm import Session

from alerts.duties import DutyKind
from alerts.duty_views import DutyView
from i18n import show_date, show_datetime, show_number
from reports.duty_docx import write
from reports.typesetting import typeset
from settings import Settings
from surveillance.diseases import Disease, load_catalogue
from surveillance.outbreaks.detail import OutbreakDetail, outbreak_detail
from surveillance.outbreaks.profiles import Profile
from surveillance.outbreaks.standing import RUNNING
from surveillance.outbreaks.views import OutbreakSummary, outbreak_list
from surveillance.signals import current_signals
from surveillance.types import Classification, Frequency, Signal

BLANK = "…………………………………………………………"
BLANKS = (BLANK * 2, BLANK * 2)
RECIPIENTS = "Các lực lượng trên địa bàn", "Người dân trên địa bàn (niêm yết, truyền thanh)"
HAVE_FORM = (DutyKind.WARNING, DutyKind.EPIDEMIC, DutyKind.END, DutyKind.DAILY)
NAMES: Mapping[DutyKind, str] = {
    DutyKind.WARNING: "thong-bao-canh-bao-dich",
    DutyKind.EPIDEMIC: "mau-01-thong-bao-dich",
    DutyKind.END: "mau-02-thong-bao-het-dich",
    DutyKind.DAILY: "bao-cao-o-dich",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A numbered part: lines, then a table."""

    head: str
    lines: Sequence[str] = ()
    columns: Sequence[str] = ()
    rows: Sequence[Sequence[str]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """The words of the paper, in the order in which they stand on it."""

    org_above: str
    place_date: str
    title: str
    subtitle: str
    form: str
    to: Sequence[str]
    items: Sequence[Item]
    recipients: Sequence[str]
    trace: str
    org: str = "TRẠM Y TẾ"
    number: str = "Số: ………/……"
    nation: str = "CỘNG HÒA XÃ HỘI CHỦ NGHĨA VIỆT NAM"
    motto: str = "Độc lập – Tự do – Hạnh phúc"
    signer: str = "GIÁM ĐỐC TRẠM Y TẾ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the form is filled with. `then`: figures as they were known when the criterion was met."""

    duty: DutyView
    disease: Disease
    city: str
    then: Sequence[Signal]
    latest: Sequence[Signal]
    outbreaks: Sequence[OutbreakSummary]
    details: Sequence[OutbreakDetail] = field(default=())


def fill(
    session: Session, duty: DutyView, *, settings: Settings, profiles: Mapping[str, Profile], now: datetime
) -> Form:
    """The form of a duty in HAVE_FORM. `now`: the moment on show, on the clocks of the city."""
    disease, units = duty.disease, [duty.unit_id]
    details: list[OutbreakDetail] = []
    if duty.kind is DutyKind.DAILY:
        for id_, _code in duty.detail.get("outbreaks", []):
            found = outbreak_detail(session, int(id_), area_ids=None, profiles=profiles, now=now)
            details += [found] if found else []
    known = Known(
        duty=duty,
        disease=load_catalogue()[disease],
        city=settings.deployment.title["vi"],
        then=_statutory(current_signals(session, as_of=duty.met_at, disease=disease, unit_ids=units)),
        latest=_statutory(current_signals(session, disease=disease, unit_ids=units)),
        outbreaks=outbreak_list(
            session,
            area_ids=None,
            statuses=RUNNING,
            profiles=profiles,
            now=now,
            disease=disease,
            unit_ids=units,
        ).items,
        details=details,
    )
    return _form(known, now)


def _statutory(signals: Sequence[Signal]) -> list[Signal]:
    return [signal for signal in signals if signal.method in ("statutory_week", "statutory_month")]


def _form(known: Known, now: datetime) -> Form:
    duty, disease = known.duty, known.disease.name_vi
    title, subtitle, form, items = {
        DutyKind.WARNING: ("THÔNG BÁO", f"Về việc cảnh báo dịch {disease}", "", _warning),
        DutyKind.EPIDEMIC: ("THÔNG BÁO", f"Về việc có dịch {disease}", "Mẫu 01 Phụ lục II", _epidemic),
        DutyKind.END: ("THÔNG BÁO", f"Về việc hết dịch {disease}", "Mẫu 02 Phụ lục II", _end),
        DutyKind.DAILY: (
            "BÁO CÁO",
            f"Ổ dịch {disease} trong ngày",
            "Theo Mẫu 02, Quyết định 97/QĐ-PB",
            _daily,
        ),
    }[duty.kind]
    if form.startswith("Mẫu"):
        form += ", Thông tư 15/2026/TT-BYT"
    offices = (
        f"Chủ tịch UBND {duty.unit_name}",
        f"Sở Y tế {known.city}",
        f"Trung tâm Kiểm soát bệnh tật {known.city}",
    )
    public = () if duty.kind is DutyKind.DAILY else RECIPIENTS
    return Form(
        org_above=f"UBND {duty.unit_name.upper()}",
        place_date=f"{duty.unit_name}, ngày …… tháng …… năm {now.year}",
        title=title,
        subtitle=subtitle,
        form=form,
        to=offices,
        items=[
            Item(head=f"{n}. {item.head}", lines=item.lines, columns=item.columns, rows=item.rows)
            for n, item in enumerate(items(known, now), start=1)
        ],
        recipients=("Như trên", *public),
        trace=f"Điền sẵn bởi Canh Dịch lúc {_at(now)}, việc số {duty.id}; số liệu đã báo cáo đến lúc đó; "
        f"bộ quy tắc {duty.policy_version} ({duty.policy_hash[:12]}). Căn cứ: {duty.law}.",
    )


def _epidemic(known: Known, now: datetime) -> list[Item]:
    """Art. 25: name, time, place of the outbreak, recommendations."""
    return [
        _name(known),
        Item(
            head="Thời gian",
            lines=[f"Đủ tiêu chí có dịch lúc {_at(known.duty.met_at)}.", *_figures(known, "statutory_month")],
        ),
        _place(known),
        _advice("Khuyến cáo"),
    ]


def _end(known: Known, now: datetime) -> list[Item]:
    """Art. 25: name, end time, recommendations."""
    ended = f"Số ca trong tháng đã xuống dưới tiêu chí có dịch lúc {_at(known.duty.met_at)}."
    return [
        _name(known),
        Item(head="Thời gian hết dịch", lines=[ended, *_figures(known, "statutory_month")]),
        _advice("Khuyến cáo"),
    ]


def _warning(known: Known, now: datetime) -> list[Item]:
    """Art. 22(2): the risk by time, place, extent and scale; measures."""
    met = f"Đủ tiêu chí cảnh báo lúc {_at(known.duty.met_at)}."
    return [
        _name(known),
        Item(head="Nguy cơ theo thời gian", lines=[met, *_figures(known, "statutory_week")]),
        _place(known),
        Item(head="Phạm vi và quy mô", lines=BLANKS),
        _advice("Biện pháp phòng, chống"),
    ]


def _daily(known: Known, now: datetime) -> list[Item]:
    """Form 02 (running) of 97/QĐ-PB, one part for each outbreak."""
    day = known.duty.detail["day"]
    return [_outbreak(detail, known, day) for detail in known.details] or [
        Item(head="Ổ dịch", lines=["Không còn ổ dịch nào trong sổ; hãy ghi tay.", *BLANKS])
    ]


def _outbreak(detail: OutbreakDetail, known: Known, day: str) -> Item:
    cases = [case for case in detail.members if case.event_date.isoformat() <= day]
    by_day = Counter(case.event_date for case in cases)
    days = sorted({*by_day, date.fromisoformat(day)})
    positive = Counter(case.event_date for case in cases if case.classification == Classification.CONFIRMED)
    onsets = [case.date_onset for case in cases if case.date_onset]
    first_report = min((case.date_report for case in cases), default=None)
    rows = [
        (show_date(on), "", str(by_day[on]), "", "", str(positive[on]) if positive[on] else "") for on in days
    ]
    return Item(
        head=f"Ổ dịch {detail.summary.code}",
        lines=[
            f"Bệnh: {known.disease.name_vi}. Ngày báo cáo: {show_date(date.fromisoformat(day))}.",
            f"Nơi xảy ra: thôn/tổ {BLANK[:20]}, {', '.join(detail.summary.unit_names)}, {known.city}.",
            f"Ngày khởi phát ca đầu tiên: {show_date(min(onsets)) if onsets else BLANK[:20]}. "
            f"Ngày nhập cảnh/đến địa phương (nếu là ca xâm nhập): {BLANK[:20]}.",
            f"Ngày nhận báo cáo đầu tiên: {show_date(first_report) if first_report else BLANK[:20]}.",
            f"Tổng số ca đến hết ngày báo cáo: {len(cases)}.",
        ],
        columns=("Ngày", "Thôn/tổ", "Số mắc", "Số chết", "Số mẫu", "Số dương tính"),
        rows=rows,
    )


def _name(known: Known) -> Item:
    codes = ", ".join(known.disease.icd10)
    return Item(
        head="Tên bệnh", lines=[f"{known.disease.name_vi} (ICD-10: {codes}), nhóm {known.disease.group}."]
    )


def _place(known: Known) -> Item:
    here = f"{known.duty.unit_name}, {known.city}."
    if not known.outbreaks:
        unknown = f"Nơi xảy ra (thôn/tổ, khu phố, trường học…): {BLANK}"
        return Item(head="Địa điểm xảy ra", lines=[here, unknown])
    return Item(
        head="Địa điểm xảy ra",
        lines=[here, f"Ổ dịch đang hoạt động: {len(known.outbreaks)}."],
        columns=("Ổ dịch", "Thôn/tổ, khu phố", "Số ca", "Ca đầu – ca cuối"),
        rows=[
            (one.code, "", str(one.cases), f"{show_date(one.first_event)} – {show_date(one.last_event)}")
            for one in known.outbreaks
        ],
    )


def _advice(head: str) -> Item:
    return Item(
        head=head, lines=["(Trạm y tế ghi theo hướng dẫn chuyên môn hiện hành cho bệnh này.)", *BLANKS]
    )


def _figures(known: Known, method: str) -> list[str]:
    """The figures the status rests on, as they were known then and as they are now."""
    lines = []
    for label, signals in (("Số liệu khi đủ tiêu chí", known.then), ("Số liệu hiện có", known.latest)):
        for signal in signals:
            if signal.method == method:
                lines.append(f"{label}: {_counts(signal)} (biết từ {_at(signal.as_of)}).")
    return list(dict.fromkeys(lines))


def _counts(signal: Signal) -> str:
    period = "tuần" if signal.frequency is Frequency.WEEK else "tháng"
    threshold = signal.detail.get("threshold", signal.upperbound)
    words = f"{_number(signal.observed)} ca từ đầu {period} ({show_date(signal.period_start)})"
    return words if threshold is None else f"{words}, ngưỡng {_number(float(threshold))}"


def _number(value: float) -> str:
    return show_number(value, 0 if float(value).is_integer() else 1, "vi")


def _at(moment: datetime) -> str:
    return show_datetime(moment, "vi")


def as_pdf(form: Form) -> bytes:
    with TemporaryDirectory(prefix="canhdich-form-") as name:
        typeset(Path(name), "duty_form.typ", asdict(form), "form.pdf")
        return (Path(name) / "form.pdf").read_bytes()


def as_docx(form: Form) -> bytes:
    """The same words as a document that can be changed before it is signed."""
    buffer = BytesIO()
    write(form, buffer)
    return buffer.getvalue()
