// What the map itself says; the prop `texts` replaces any of it.
const VIETNAMESE = {
  lasso: 'Giữ và kéo để khoanh vùng. Bàn phím: mũi tên đưa dấu đi, phím cách đặt góc. Esc để thôi.',
  corner: 'Đã đặt {n} góc. Phím cách đặt góc nữa, Backspace bỏ góc cuối, Enter để xong (từ 3 góc), Esc để thôi.',
  circle: 'Kéo từ tâm ra để vẽ vòng tròn. Bàn phím: Enter đặt tâm ở giữa bản đồ. Esc để thôi.',
  circlePlaced: 'Đã đặt tâm, bán kính {metres} m. ↑ ↓ đổi bán kính, Enter để xong, Esc để thôi.',
  radius: '{metres} m',
  drawn: 'Đã vẽ xong vùng.',
  cancelled: 'Đã thôi vẽ.',
  selected: 'Đang chọn: {text}',
  swipe: 'Thanh so sánh hai bản đồ',
  swipeValue: 'Bản đồ trái chiếm {percent}%',
  loading: 'Đang tải bản đồ…',
  lost: 'Máy tạm ngừng vẽ bản đồ, nên hiện ảnh tĩnh. Bản đồ tự hiện lại khi máy vẽ được.',
  unknown: 'chưa rõ',
};

/** @returns {(name: string, values?: object) => string} */
export function speaker(texts) {
  return (name, values = {}) => (texts?.[name] ?? VIETNAMESE[name]).replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
}

export const number = value => value.toLocaleString(document.documentElement.lang || 'vi');
