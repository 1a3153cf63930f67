"""What the help page says of each figure and method: what it means, how it is made, and its limits.

Longer and in English: docs/methods, by the name in `page`. A reader here is a health officer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from i18n import Message


@dataclass(frozen=True, kw_only=True)
class Topic:
    """`key` is the anchor on the page; `page` that of docs/methods, where there is one."""

    key: str
    title: Message
    means: Message
    how: Message
    limits: Message
    page: str | None = None


@dataclass(frozen=True, kw_only=True)
class Group:
    key: str
    title: Message
    topics: tuple[Topic, ...]


GROUPS = (
    Group(
        key="reading",
        title=Message("Đọc số liệu"),
        topics=(
            Topic(
                key="clocks",
                title=Message("Hai mốc thời gian"),
                means=Message(
                    "“Mắc bệnh đến” chọn kỳ mắc bệnh. “Đã biết đến” chọn ngày nhìn lại: bản đồ, mức, biểu đồ "
                    "và cảnh báo hiện đúng như hệ thống đã biết cuối ngày đó."
                ),
                how=Message(
                    "Mỗi lần một ca được thêm, sửa hay bỏ, bản cũ vẫn được giữ cùng lúc được biết. Nhìn lại "
                    "là lọc theo lúc được biết, không tính lại bằng số liệu hôm nay."
                ),
                limits=Message(
                    "Không nhìn lại được trước ngày hệ thống bắt đầu nhận số liệu. Hai tuần mới nhất luôn "
                    "thấp hơn thật vì báo cáo về chậm."
                ),
            ),
            Topic(
                key="figures",
                title=Message("Số ca 7 ngày, 28 ngày, từ đầu năm"),
                means=Message(
                    "Số ca của bệnh đang chọn, trong 7 hoặc 28 ngày đến hết ngày ghi trên trang, hoặc từ ngày"
                    " 01/01 đến ngày đó."
                ),
                how=Message(
                    "Đếm mỗi người bệnh một lần, dù nhiều nơi cùng báo cáo. Ngày tính ca là ngày khởi phát; "
                    "thiếu thì ngày nhập viện, rồi ngày báo cáo. Bản đồ, biểu đồ và danh sách đổi được ngày "
                    "này ở ô “Tính theo” của bộ lọc."
                ),
                limits=Message(
                    "Ca chưa xác định được xã, phường vẫn nằm trong số của thành phố nhưng không nằm trong "
                    "xã, phường nào."
                ),
            ),
            Topic(
                key="unknown",
                title=Message("Chưa rõ khác với không có ca"),
                means=Message(
                    "Nơi gạch chéo là nơi chưa đủ số liệu để kết luận. Không có màu “an toàn” cho nơi chưa "
                    "rõ."
                ),
                how=Message(
                    "Chưa rõ khi nguồn chưa báo cáo về nơi đó trong cả kỳ, khi thiếu dân số, khi nơi đó im "
                    "lặng bất thường, hoặc khi phương pháp nêu lý do chưa tính được."
                ),
                limits=Message("Im lặng không làm mức giảm. Mức đã có được giữ cho đến khi có số liệu mới."),
            ),
            Topic(
                key="curve",
                page="nowcast",
                title=Message("Đường cong dịch"),
                means=Message(
                    "Cột là số ca theo tuần hoặc ngày. Đường liền là trung bình cùng tuần của tối đa 5 năm "
                    "trước, đường đứt là ngưỡng; phần nhạt ở tuần mới là số ước tính còn báo cáo chậm."
                ),
                how=Message(
                    "Ở “Biểu đồ”, bấm một cột để xem các ca, kéo ngang để chọn kỳ khác. Khi đang lọc theo tuổi,"
                    " giới hay mức nặng thì không vẽ ngưỡng, vì ngưỡng chỉ tính cho mọi ca."
                ),
                limits=Message("Tuần chưa hết luôn thiếu ca: cột cuối thấp chưa phải là dịch đã giảm."),
            ),
        ),
    ),
    Group(
        key="law",
        title=Message("Mức nguy cơ và quy định"),
        topics=(
            Topic(
                key="levels",
                page="levels",
                title=Message("Mức nguy cơ"),
                means=Message(
                    "Bốn mức: ● Thấp, ▲ Trung bình, ◆ Cao, ■ Rất cao, theo tên gọi của Thông tư 15/2026. Mức "
                    "là đề xuất của hệ thống để người có trách nhiệm quyết định, không phải kết luận về mặt "
                    "pháp lý."
                ),
                how=Message(
                    "Mức là mức cao nhất mà một bằng chứng đòi hỏi. Tăng ngay khi có bằng chứng; giảm từng "
                    "bậc, sau một số ngày không còn bằng chứng. Rất cao chỉ do ngưỡng pháp lý. Khung “Vì sao "
                    "ở mức này” ghi từng bằng chứng, và vì sao không cao hơn hay thấp hơn."
                ),
                limits=Message(
                    "Ít ca thì mức không lên quá Trung bình dù vượt ngưỡng thống kê, trừ ổ dịch, ca tử vong "
                    "và bệnh nhóm A. Các con số là quy tắc của đơn vị, có thể thay đổi; mỗi cảnh báo ghi "
                    "phiên bản quy tắc đã dùng."
                ),
            ),
            Topic(
                key="statutory",
                page="statutory",
                title=Message("Tình trạng theo Thông tư 15/2026"),
                means=Message(
                    "Cho biết hôm nay bệnh ở xã, phường đó đã đạt điều kiện cảnh báo dịch, có dịch hay hết "
                    "dịch chưa. Đạt điều kiện là bắt đầu tính giờ cho việc phải làm."
                ),
                how=Message(
                    "Bệnh lưu hành: số ca trong tuần từ trung bình + 1 độ lệch chuẩn của cùng tuần 5 năm trước "
                    "là cảnh báo; số ca trong tháng trên trung bình + 2 độ lệch chuẩn của cùng tháng là có "
                    "dịch. Bệnh không lưu hành: 3 ca liên quan với nhau trong tuần là cảnh báo, 5 ca trong "
                    "tháng là có dịch. Bệnh nhóm A: một ca xác định là cảnh báo, thêm một ca bất kỳ trong 28 "
                    "ngày là có dịch."
                ),
                limits=Message(
                    "Bỏ các năm có dịch; dưới 3 năm dùng được thì trả lời là chưa đủ dữ liệu. Đầu tháng số ca"
                    " tháng bắt đầu lại từ 0. Bệnh báo cáo chậm thì tuần này luôn thấp: xem thêm số kể cả báo"
                    " chậm."
                ),
            ),
            Topic(
                key="duties",
                page="duties",
                title=Message("Việc theo luật"),
                means=Message(
                    "Việc phải làm và hạn của nó: thông báo cảnh báo, có dịch, hết dịch, xử lý ổ dịch, báo "
                    "cáo ngày, báo cáo ca và tử vong."
                ),
                how=Message(
                    "Giờ bắt đầu tính từ lúc hệ thống biết điều kiện đã đạt. Hệ thống đếm giờ, điền sẵn mẫu, "
                    "nhắc và lưu việc đã làm."
                ),
                limits=Message(
                    "Hệ thống không tự ra thông báo: chỉ người có thẩm quyền ra thông báo. Hạn xử lý ổ dịch "
                    "48 giờ là nếp làm của thành phố, không phải luật."
                ),
            ),
        ),
    ),
    Group(
        key="methods",
        title=Message("Phương pháp"),
        topics=(
            Topic(
                key="nowcast",
                page="nowcast",
                title=Message("Kể cả báo chậm"),
                means=Message(
                    "Ước tính số ca đã mắc nhưng chưa được báo cáo. Kết quả không bao giờ thấp hơn số đã báo "
                    "cáo."
                ),
                how=Message(
                    "Học từ độ trễ báo cáo của 120 ngày qua, theo thứ trong tuần và ngày nghỉ, từng nơi và cả"
                    " thành phố; cho 200 khả năng để nói cả độ không chắc chắn."
                ),
                limits=Message(
                    "Không dùng cho nguồn ngừng báo cáo hoặc đang nhập bù. Đổi cách báo cáo thì cần một đến "
                    "hai tuần để học lại."
                ),
            ),
            Topic(
                key="reproduction",
                page="reproduction",
                title=Message("Hệ số lây nhiễm Rt"),
                means=Message(
                    "Trung bình một ca lây cho bao nhiêu ca. Trên 1 là đang tăng, dưới 1 là đang giảm."
                ),
                how=Message(
                    "So số ca của 7 ngày với các ca trước đó có thể đã lây, theo khoảng cách giữa hai lần mắc"
                    " của bệnh (phương pháp Cori, như EpiEstim), tính trên số kể cả báo chậm."
                ),
                limits=Message(
                    "Nói về khoảng 3 ngày trước và về lúc lây sớm hơn nữa. Cần từ 11 ca trong 7 ngày. Với sốt "
                    "xuất huyết hãy xem chiều hướng, đừng xem số lẻ; ca mắc từ nơi khác làm Rt cao lên."
                ),
            ),
            Topic(
                key="forecast",
                page="forecast",
                title=Message("Dự báo 1–4 tuần"),
                means=Message(
                    "Số ca có thể có trong các tuần tới, kèm khoảng mà 80 % khả năng số thật nằm trong đó."
                ),
                how=Message(
                    "Lấy mức hiện nay so với mùa và độ dao động của ba năm gần đây. Luôn được thử lại trên 104 "
                    "tuần đã qua; chỉ hiện khi đoán tốt hơn hẳn việc lấy số cùng tuần năm trước, và không kém "
                    "việc lấy số tuần vừa qua."
                ),
                limits=Message("Không đoán được lúc dịch đổi chiều."),
            ),
            Topic(
                key="association",
                page="association",
                title=Message("Điểm nóng và tỷ suất làm trơn"),
                means=Message(
                    "Điểm nóng: một nơi cùng các nơi liền kề cao hơn hẳn phần còn lại. Tỷ suất làm trơn: tỷ "
                    "suất bớt nhiễu do ít dân."
                ),
                how=Message(
                    "Getis–Ord Gi* và Moran địa phương trên tỷ suất làm trơn, so với 9.999 lần xáo trộn ngẫu "
                    "nhiên; trong các nơi được nêu, tối đa 5 % là do ngẫu nhiên."
                ),
                limits=Message(
                    "Chỉ nói nơi nào cao, không nói vì sao. Dưới 20 ca thì không xét. Nơi nhỏ có dịch thật "
                    "cũng bị kéo thấp xuống."
                ),
            ),
            Topic(
                key="clusters",
                page="clusters",
                title=Message("Cụm ca theo nơi và thời gian"),
                means=Message(
                    "Nhóm xã, phường liền nhau có nhiều ca hơn ngẫu nhiên trong một khoảng thời gian đến nay."
                ),
                how=Message(
                    "Mỗi ngày tìm trong 90 ngày qua những cụm của 1 đến 30 ngày gần nhất, bằng phép hoán vị "
                    "không gian – thời gian (như SaTScan) với 999 lần ngẫu nhiên. “Ngẫu nhiên thì 365 ngày mới "
                    "có một lần” là độ hiếm. “Vững trong 92/100 lần” là khi rải lại các ca chỉ biết phường cũ "
                    "nay đã chia thì cụm vẫn còn 92 lần; dưới 80 là chưa vững, không tự gây cảnh báo."
                ),
                limits=Message(
                    "Không phải xác suất có dịch. Cả thành phố cùng tăng đều thì không thành cụm. Vùng tính "
                    "bằng cả xã, phường, không thấy từng nhà."
                ),
            ),
            Topic(
                key="evidence",
                page="evidence",
                title=Message("Ca nặng, véc tơ, khí hậu, im lặng"),
                means=Message(
                    "Bằng chứng ngoài số ca: ca nặng và tử vong, chỉ số lăng quăng và muỗi, nhiệt độ thuận "
                    "cho muỗi vằn, nơi ngừng báo cáo."
                ),
                how=Message(
                    "Ca nặng theo mã bệnh; véc tơ theo lần giám sát mới nhất trong 28 ngày; khí hậu theo nhiệt "
                    "độ trung bình tháng; im lặng là ít nhất 7 ngày không báo cáo, và dài đến mức một triệu lần"
                    " ngẫu nhiên mới có một."
                ),
                limits=Message(
                    "Không biết tử vong nếu nguồn không ghi kết quả điều trị. Không có lần giám sát không có "
                    "nghĩa là chỉ số thấp. Khí hậu của thành phố thuận cho muỗi quanh năm nên tự nó nói ít."
                ),
            ),
            Topic(
                key="outbreaks",
                page="outbreaks",
                title=Message("Ổ dịch"),
                means=Message(
                    "Nhóm ca gần nhau về nơi và ngày, hoặc cùng trường, nhà, nơi làm, theo quy định của từng "
                    "bệnh."
                ),
                how=Message(
                    "Hai ca gần nhau trong số ngày quy định mở một ổ dịch; ca mới gần một ca của ổ thì vào ổ,"
                    " trong giới hạn về đường kính và thời gian. Trang ổ dịch ghi vì sao mỗi ca vào hay không"
                    " vào."
                ),
                limits=Message(
                    "Ca chỉ biết đến xã, phường thì không đủ chính xác để vào ổ, nhưng vẫn được liệt kê. Ca "
                    "về muộn có thể làm ổ nhập lại hoặc tách ra."
                ),
            ),
            Topic(
                key="transmission",
                page="transmission",
                title=Message("Ai có thể lây cho ai"),
                means=Message(
                    "Đường mảnh trong ổ dịch nối các ca có thể đã lây cho nhau. Có thể, không phải bằng "
                    "chứng."
                ),
                how=Message(
                    "Theo số ngày giữa hai lần mắc và khoảng cách giữa hai nơi (Wallinga–Teunis). Dưới 5 % "
                    "thì không vẽ."
                ),
                limits=Message(
                    "Chỉ xét các ca trong ổ: 100 % nghĩa là chỉ có một khả năng trong ổ, không phải chắc "
                    "chắn."
                ),
            ),
            Topic(
                key="measures-effect",
                page="measures-effect",
                title=Message("Trước và sau khi phun, diệt lăng quăng"),
                means=Message(
                    "So số ca trước và sau biện pháp với các nơi giống vậy mà không làm. Dưới 1 là ít ca hơn "
                    "dự kiến."
                ),
                how=Message(
                    "28 ngày trước và 28 ngày sau, bỏ 7 ngày đầu; so với tối đa 20 nơi có số ca trước đó gần "
                    "giống."
                ),
                limits=Message(
                    "Không phải thử nghiệm: nơi có làm thường khác nơi không làm. “Không thấy khác” không có "
                    "nghĩa là không có tác dụng."
                ),
            ),
            Topic(
                key="laboratory",
                page="laboratory",
                title=Message("Phòng thử quy tắc"),
                means=Message(
                    "Đổi bán kính, số ngày hay ngưỡng và xem trên quá khứ: thêm hay bớt ổ dịch, cảnh báo nào,"
                    " sớm hay muộn hơn bao nhiêu."
                ),
                how=Message(
                    "Tính lại từng ngày bằng đúng những gì đã biết ngày đó. Có thể lưu thành dự thảo quy tắc."
                ),
                limits=Message(
                    "Không biết con người sẽ làm gì khác đi. Con số tốt nhất trên một kỳ sẽ kém hơn ở kỳ sau:"
                    " hãy thử thêm một mùa khác."
                ),
            ),
            Topic(
                key="scorecard",
                page="scorecard",
                title=Message("Độ tin cậy của cảnh báo"),
                means=Message(
                    "Trong các cảnh báo đã kết luận, bao nhiêu là đúng; mỗi tuần có bao nhiêu cảnh báo; sớm "
                    "hay muộn bao nhiêu ngày."
                ),
                how=Message("Theo kết luận của cán bộ, và theo việc chạy lại quá khứ với quy tắc đang dùng."),
                limits=Message(
                    "Trùng lặp và lỗi số liệu không tính là đúng hay sai. Ít cảnh báo đã kết luận thì tỷ lệ "
                    "chưa chắc."
                ),
            ),
        ),
    ),
    Group(
        key="detectors",
        title=Message("Phát hiện bất thường"),
        topics=(
            Topic(
                key="rolling",
                page="rolling",
                title=Message("Xét hằng ngày"),
                means=Message("Mọi phương pháp xét 7 ngày mới nhất mỗi ngày, trên số kể cả báo chậm."),
                how=Message(
                    "Chỉ báo vượt khi ít nhất 90 % khả năng nằm trên ngưỡng; từ 10 đến 90 % thì ghi là chưa "
                    "chắc chắn. Ngưỡng của luật chỉ so với số đã báo cáo."
                ),
                limits=Message("Vượt ngưỡng là dấu hiệu để xem lại, không phải kết luận có dịch."),
            ),
            Topic(
                key="farrington",
                page="farrington",
                title=Message("Farrington"),
                means=Message("Tuần này có cao hơn mức thường có vào thời gian này trong năm không."),
                how=Message(
                    "Hồi quy trên các tuần tương ứng của 5 năm trước, có mùa và xu hướng, giảm trọng số của "
                    "dịch cũ."
                ),
                limits=Message("Cần ít nhất 3 năm số liệu, và 5 ca trong 4 tuần."),
            ),
            Topic(
                key="ears",
                page="ears",
                title=Message("EARS C1, C2, C3"),
                means=Message(
                    "Hôm nay có cao hơn hẳn các ngày ngay trước đó không. Dùng được cả khi mới có hai tuần số"
                    " liệu."
                ),
                how=Message(
                    "So với trung bình và độ lệch chuẩn của 7 ngày; C2 và C3 bỏ hai ngày sát hôm nay."
                ),
                limits=Message(
                    "Không biết mùa. Nơi ít ca thì một ca đã vượt; thứ Hai hay báo nhầm. Một mình nó không "
                    "đưa mức lên quá Trung bình."
                ),
            ),
            Topic(
                key="mem",
                page="mem",
                title=Message("Mùa dịch (MEM)"),
                means=Message("Đã vào mùa dịch chưa, và mùa mạnh đến đâu."),
                how=Message(
                    "Ngưỡng từ các tuần cao nhất trước mùa của những năm trước; cường độ từ các tuần cao nhất"
                    " trong mùa."
                ),
                limits=Message("Cần ít nhất 3 mùa, và bệnh có một mùa rõ mỗi năm."),
            ),
            Topic(
                key="rare",
                page="rare",
                title=Message("Bệnh hiếm"),
                means=Message(
                    "Ca đầu tiên sau 2 năm không có, hoặc từ 2 ca trong 28 ngày mà nhiều hơn hẳn các năm trước."
                ),
                how=Message("Tính chính xác cho số ca rất nhỏ, so với 5 năm trước."),
                limits=Message("Không xét mùa. Bệnh nhóm A đã có quy định riêng ngay từ ca đầu."),
            ),
            Topic(
                key="seasonal",
                page="seasonal",
                title=Message("Theo mùa, từng ngày"),
                means=Message(
                    "Từng ngày trong 7 ngày qua có cao hơn mức thường có không, kể cả quanh Tết và ngày nghỉ."
                ),
                how=Message("Hồi quy theo mùa, thứ trong tuần, Tết và ngày nghỉ trên tối đa 5 năm."),
                limits=Message(
                    "Năm cao thấp rất khác nhau thì năm cao báo vượt mỗi ngày: xem cùng Farrington."
                ),
            ),
            Topic(
                key="windows",
                page="windows",
                title=Message("Bayes và RKI"),
                means=Message(
                    "So với ít tuần ngay trước đó, hoặc cùng thời gian của hai năm trước. Dùng khi chưa đủ số"
                    " liệu cho Farrington."
                ),
                how=Message("Giới hạn trên của số ca có thể có nếu không có gì thay đổi."),
                limits=Message(
                    "Tuần yên ổn cũng báo vượt khoảng một trong hai mươi lần; không dùng một mình."
                ),
            ),
            Topic(
                key="cdc",
                page="cdc",
                title=Message("Giới hạn lịch sử (CDC)"),
                means=Message("Bốn tuần qua so với cùng bốn tuần của 5 năm trước."),
                how=Message("Trung bình và độ lệch chuẩn của 15 khoảng bốn tuần."),
                limits=Message("Chậm hơn Farrington; đợt dịch ngắn có thể không thấy."),
            ),
            Topic(
                key="cusum",
                page="cusum",
                title=Message("CUSUM"),
                means=Message(
                    "Cộng dồn phần vượt mức dự kiến, để thấy việc tăng chậm mà từng tuần không cho thấy."
                ),
                how=Message("Báo khi tổng cộng dồn quá giới hạn."),
                limits=Message("Sau khi mức bệnh thật sự đổi, nó báo mãi: chỉ xem lần báo đầu."),
            ),
            Topic(
                key="glr",
                page="glr",
                title=Message("GLR"),
                means=Message("Có một lúc nào đó từ lần báo trước mà mức bệnh đã đổi không."),
                how=Message(
                    "So khả năng đã đổi với khả năng không đổi, tại mọi thời điểm; báo xong thì bắt đầu lại."
                ),
                limits=Message("Loại Poisson báo nhầm nhiều khi số ca dao động mạnh: xem loại nhị thức âm."),
            ),
            Topic(
                key="outbreakp",
                page="outbreakp",
                title=Message("OutbreakP"),
                means=Message("Số ca có đang bắt đầu tăng từ mức yên ổn không."),
                how=Message("So đường chỉ tăng khớp nhất với đường không đổi, không cần số liệu nhiều năm."),
                limits=Message("Chỉ dùng cho một mùa, bắt đầu từ lúc yên; dùng cho nhiều năm thì báo mãi."),
            ),
        ),
    ),
    Group(
        key="places",
        title=Message("Nơi ở và địa giới"),
        topics=(
            Topic(
                key="geocoding",
                page="geocoding",
                title=Message("Địa chỉ ra vị trí"),
                means=Message(
                    "Mỗi ca mang mức chính xác của vị trí: nhà, đường, khu phố hoặc chỉ xã, phường; vòng mờ "
                    "quanh điểm là bán kính sai số."
                ),
                how=Message(
                    "Đọc chữ của địa chỉ, tìm phường cũ và mới, rồi tìm số nhà trên đường. Không gửi địa chỉ "
                    "ra ngoài máy chủ này."
                ),
                limits=Message(
                    "Sự thật nằm trong bán kính 9 trên 10 lần. Địa chỉ chưa chắc được đưa vào mục “Địa chỉ "
                    "cần xem”."
                ),
            ),
            Topic(
                key="units-through-time",
                page="units-through-time",
                title=Message("Địa giới các thời kỳ"),
                means=Message(
                    "Xem số ca trên ranh giới của một ngày khác, ví dụ các phường trước 01/7/2025."
                ),
                how=Message(
                    "Theo phường ghi trong báo cáo, rồi theo vị trí; ca không rõ được chia theo tỷ lệ dân số "
                    "và ghi là ước tính."
                ),
                limits=Message(
                    "Số ước tính có phần lẻ. Phần ngoài ranh giới của bản đó được nêu riêng, không bỏ."
                ),
            ),
        ),
    ),
)

TOPICS: Mapping[str, Topic] = {topic.key: topic for group in GROUPS for topic in group.topics}
