"""The eight outcomes of a ward's field investigation (`dm_xacminh_cb`, domain.md §1.2 item 4): what each says.

*Verified* is outcome 8 alone: address and patient are there, and it is the disease. 1, 2, 4 and 5 send the case to
another commune, whose own investigation may verify it; 3 and 6 leave it where it was reported, counted as reported and
not as verified (domain.md §8 case 4); 7 discards it.
"""

from __future__ import annotations

from collections.abc import Mapping

from surveillance.types import Verification as V

MOVED = frozenset(
    {
        V.ADDRESS_IN_OTHER_WARD,
        V.ADDRESS_IN_OTHER_DISTRICT,
        V.PATIENT_IN_OTHER_WARD,
        V.PATIENT_IN_OTHER_DISTRICT,
    }
)
UNFOUND = frozenset({V.ADDRESS_NOT_FOUND, V.PATIENT_ELSEWHERE})

MEANINGS: Mapping[V, str] = {
    V.ADDRESS_IN_OTHER_WARD: "Không có địa chỉ này; địa chỉ thuộc phường/xã khác cùng quận/huyện",
    V.ADDRESS_IN_OTHER_DISTRICT: "Không có địa chỉ này; địa chỉ thuộc quận/huyện khác",
    V.ADDRESS_NOT_FOUND: "Không tìm thấy địa chỉ",
    V.PATIENT_IN_OTHER_WARD: "Có địa chỉ, không có người bệnh; người bệnh ở phường/xã khác cùng quận/huyện",
    V.PATIENT_IN_OTHER_DISTRICT: "Có địa chỉ, không có người bệnh; người bệnh ở quận/huyện khác",
    V.PATIENT_ELSEWHERE: "Có địa chỉ, không có người bệnh; người bệnh ở tỉnh khác hoặc không rõ ở đâu",
    V.OTHER_DISEASE: "Có địa chỉ, có người bệnh, không phải bệnh này",
    V.VERIFIED: "Có địa chỉ, có người bệnh, đúng bệnh này",
}
"""For people; the English is in the catalogue."""
