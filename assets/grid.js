/* Cells that AG Grid draws itself: the level badge. Values are plain text, never HTML. */
window.dashAgGridComponentFunctions = window.dashAgGridComponentFunctions || {};

window.dashAgGridComponentFunctions.LevelBadge = function (props) {
  const badge = "level-badge level-" + props.data.level_slug;
  return window.React.createElement("span", { className: badge }, props.data.level_text);
};
