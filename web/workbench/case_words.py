"""What the values of a case, and of a filter on cases, are called."""

from __future__ import annotations

from collections.abc import Mapping

from i18n import Message
from surveillance.case_filter import DatedBy, Severity, Sex, Status

SEXES: Mapping[Sex, Message] = {"male": Message("Nam"), "female": Message("Nữ")}
SEVERITIES: Mapping[Severity, Message] = {
    "inpatient": Message("Nội trú"),
    "outpatient": Message("Ngoại trú"),
    "severe": Message("Nặng"),
    "died": Message("Tử vong"),
}
STATUSES: Mapping[Status, Message] = {
    "suspected": Message("Ca nghi ngờ"),
    "probable": Message("Ca có thể"),
    "confirmed": Message("Ca xác định"),
    "verified": Message("Đã xác minh tại nhà"),
    "unverified": Message("Chưa xác minh tại nhà"),
    "discarded": Message("Đã loại trừ"),
}
DATED_BY: Mapping[DatedBy, Message] = {
    "event": Message("Ngày tính ca"),
    "onset": Message("Ngày khởi phát"),
    "admission": Message("Ngày nhập viện"),
    "report": Message("Ngày báo cáo"),
}
STACKS: Mapping[str, Message] = {
    "sex": Message("Giới"),
    "age": Message("Nhóm tuổi"),
    "severity": Message("Mức độ nặng"),
    "status": Message("Phân loại ca"),
    "source": Message("Nguồn"),
    "disease": Message("Bệnh"),
    "unit": Message("Xã, phường"),
}
UNKNOWN = Message("Chưa rõ")
EVENT_DATE = Message("Ngày khởi phát; thiếu thì ngày nhập viện, rồi ngày báo cáo.")
SEX_LETTERS: Mapping[str, Message] = {"M": SEXES["male"], "F": SEXES["female"]}
CLASSES: Mapping[str, Message] = {
    "suspected": Message("Nghi ngờ"),
    "probable": Message("Có thể"),
    "confirmed": Message("Xác định"),
    "discarded": Message("Đã loại trừ"),
}
TREATMENTS: Mapping[str, Message] = {
    "inpatient": SEVERITIES["inpatient"],
    "outpatient": SEVERITIES["outpatient"],
}
OUTCOMES: Mapping[str, Message] = {
    "discharged": Message("Ra viện"),
    "transferred": Message("Chuyển viện"),
    "died": Message("Tử vong"),
    "other": Message("Khác"),
}
