// Everything the map paints itself; the colours of levels arrive in each layer's `stops`.
const LIGHT = {
  ground: '#f2f4f6', unknown: '#e6e9ec', hatch: '#5d6a76', border: '#5f7384', borderOpacity: 0.55,
  text: '#1b2733', halo: '#ffffff', outline: '#0f2a43', casing: '#ffffff', shape: '#1b2733', drawn: '#1660b8',
};
const DARK = {
  ground: '#12171d', unknown: '#2a3138', hatch: '#98a5b1', border: '#070a0d', borderOpacity: 0.8,
  text: '#f2f5f8', halo: '#10151a', outline: '#ffffff', casing: '#0b0f13', shape: '#f2f5f8', drawn: '#6fb1f5',
};

export const theme = dark => (dark ? DARK : LIGHT);
