// Style and script of the HTML report. They ask nobody for anything.
#pragma once

namespace slipway::eval::detail {

inline constexpr const char* html_style = R"css(
:root{color-scheme:light dark;--ink:#1c2230;--soft:#5a6478;--line:#d9dee8;--paper:#fff;
--back:#f5f7fa;
--good:#0a7a43;--bad:#b3261e;--warn:#8a5a00;--add:#d9f2e3;--del:#fbdcd9;--accent:#2450b2}
@media (prefers-color-scheme:dark){:root{--ink:#e6e9f0;--soft:#9aa5b8;--line:#333b4a;
--paper:#171b23;
--back:#0f1218;--good:#5ecb92;--bad:#ff8a80;--warn:#e6b35a;--add:#143a27;--del:#47201d;
--accent:#8fb0ff}}
*{box-sizing:border-box}body{margin:0;background:var(--back);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1280px;margin:0 auto;padding:24px 16px 64px}h1{font-size:1.5rem;margin:0 0 4px}
h2{font-size:1.1rem;margin:32px 0 8px}.soft{color:var(--soft)}.good{color:var(--good)}
.bad{color:var(--bad)}.warn{color:var(--warn)}#decision{font-weight:650;font-size:1.1rem;
margin:8px 0}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:8px 0;font-size:.875rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}.scroll{overflow-x:auto;
background:var(--paper);
border:1px solid var(--line);border-radius:8px}table{border-collapse:collapse;width:100%}
th,td{padding:6px 10px;text-align:left;border-bottom:1px solid var(--line);vertical-align:top}
thead th{font-size:.8rem;color:var(--soft);font-weight:600;white-space:nowrap;
background:var(--paper);
position:sticky;top:0}tbody tr:last-child>*{border-bottom:0}td.num,th.num{text-align:right;
font-variant-numeric:tabular-nums;white-space:nowrap}#findings{padding:0;list-style:none;
margin:8px 0}
#findings li{background:var(--paper);border:1px solid var(--line);
border-left:4px solid var(--warn);
border-radius:6px;padding:6px 12px;margin:6px 0;overflow-wrap:anywhere}
#findings li[data-fails=true]{border-left-color:var(--bad)}
.controls{display:flex;flex-wrap:wrap;gap:8px 20px;align-items:center;margin:8px 0}
input[type=search],select,button{font:inherit;color:inherit;background:var(--paper);
border:1px solid var(--line);border-radius:6px;padding:4px 8px}button{cursor:pointer}
button.open{border:0;background:none;color:var(--accent);padding:0;text-align:left;
overflow-wrap:anywhere}
:focus-visible{outline:2px solid var(--accent);outline-offset:1px}
.more td{background:var(--back)}.more .grid{display:grid;gap:12px;
grid-template-columns:repeat(auto-fit,minmax(280px,1fr))}.text{white-space:pre-wrap;
overflow-wrap:anywhere;
background:var(--paper);border:1px solid var(--line);border-radius:6px;padding:8px;
max-height:24em;overflow:auto}
h3{font-size:.85rem;margin:8px 0 4px;color:var(--soft)}ins{background:var(--add);
text-decoration:none}
del{background:var(--del)}.badge{font-size:.75rem;border:1px solid currentColor;
border-radius:4px;padding:0 4px}
.pct{white-space:nowrap;font-weight:400}
svg.bar{display:block;width:120px;height:14px}svg .rail{stroke:var(--line)}svg .span{
stroke:var(--accent);
stroke-width:4}svg .dot{fill:var(--ink)}[hidden]{display:none!important}
)css";

inline constexpr const char* html_script = R"js(
(() => {
  const table = document.getElementById('items');
  if (!table) return;
  const body = table.tBodies[0];
  const rows = [...body.querySelectorAll('tr[data-item]')];
  const more = row => row.nextElementSibling?.classList.contains('more') ?
row.nextElementSibling : null;
  const pairs = rows.map(row => [row, more(row)]);
  const by = id => document.getElementById(id);
  const show = () => {
    const words = by('search').value.toLowerCase();
    let count = 0;
    for (const [row, details] of pairs) {
      const good = (!by('failing').checked || row.dataset.failing === 'true') &&
        (!by('changed')?.checked || row.dataset.changed === 'true') &&
        (!words || (row.textContent + (details?.textContent ??
'')).toLowerCase().includes(words));
      row.hidden = !good;
      if (details) details.hidden = !good || row.dataset.open !== 'true';
      count += good;
    }
    by('count').textContent = count + ' of ' + rows.length + ' items';
  };
  const order = () => {
    const key = by('sort').value;
    const sorted = [...pairs];
    if (key !== 'item') sorted.sort((a, b) => a[0].dataset[key] - b[0].dataset[key]);
    for (const [row, details] of sorted) { body.append(row); if (details) body.append(details); }
  };
  body.addEventListener('click', event => {
    const button = event.target.closest('button.open');
    if (!button) return;
    const row = button.closest('tr');
    const open = row.dataset.open !== 'true';
    row.dataset.open = open;
    button.setAttribute('aria-expanded', open);
    show();
  });
  for (const id of ['failing', 'changed', 'search']) by(id)?.addEventListener('input', show);
  by('baseline')?.addEventListener('input', event => {
    for (const cell of document.querySelectorAll('#items .before')) cell.hidden =
!event.target.checked;
  });
  by('sort').addEventListener('input', order);
  show();
})();
)js";

}  // namespace slipway::eval::detail
