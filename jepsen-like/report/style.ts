// How the page of a report looks, in light and in dark.

export const STYLE = `
:root { --ink: #1c2430; --soft: #667085; --line: #e3e7ee; --paper: #ffffff; --ground: #f4f6f9; --good: #1a7f4b; --bad: #c0262d;
  --kill: #e8711a; --pause: #8256d0; --restart: #8a6d1f; --network: #0f8b8d; --power: #b5489a; --b1: #9ec5fe; --b2: #ffd28f; --b3: #a3d9b1; --area: #5b8def; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ef; --soft: #98a2b3; --line: #2c3440; --paper: #171c24; --ground: #0f1318;
  --good: #36b37e; --bad: #ff6b6b; --b1: #2f5d9e; --b2: #8a5d1c; --b3: #2f6b43; --area: #4c7be0; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 14px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 24px 20px 60px; }
header { display: flex; gap: 20px; align-items: center; padding: 18px 22px; border-radius: 10px; color: #fff; }
header.passed { background: var(--good); } header.failed { background: var(--bad); }
header h1 { margin: 0; font-size: 20px; } header p { margin: 2px 0 0; opacity: .92; }
.verdict { font-weight: 800; font-size: 26px; letter-spacing: .06em; }
section { background: var(--paper); border: 1px solid var(--line); border-radius: 10px; padding: 16px 20px; margin-top: 16px; }
h2 { font-size: 16px; margin: 0 0 10px; } h3 { margin: 14px 0 2px; font-size: 15px; color: var(--bad); } small { color: var(--soft); font-weight: 400; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 14px; }
.figures div { display: flex; flex-direction: column; } .figures b { font-size: 19px; } .figures span { color: var(--soft); font-size: 12px; line-height: 1.3; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0 0 8px; color: var(--soft); font-size: 12px; }
i { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin-right: 6px; vertical-align: -1px; }
i.kill { background: var(--kill); } i.pause { background: var(--pause); } i.restart { background: var(--restart); } i.network { background: var(--network); } i.power { background: var(--power); }
i.broker1 { background: var(--b1); } i.broker2 { background: var(--b2); } i.broker3 { background: var(--b3); } i.silence { background: var(--bad); }
svg { width: 100%; height: auto; display: block; font-family: system-ui, sans-serif; }
.grid { stroke: var(--line); stroke-width: 1; } .tick { fill: var(--soft); font-size: 10px; } .name { fill: var(--ink); font-size: 11px; font-weight: 600; }
.shadow { opacity: .09; } .bar { opacity: .95; } .barText { fill: var(--ink); font-size: 9.5px; paint-order: stroke; stroke: var(--paper); stroke-width: 2.5px; }
rect.kill { fill: var(--kill); } rect.pause { fill: var(--pause); } rect.restart { fill: var(--restart); } rect.network { fill: var(--network); } rect.power { fill: var(--power); }
.area { fill: var(--area); opacity: .55; } .line { fill: none; stroke-width: 1.4; stroke-linejoin: round; }
.p50 { stroke: var(--good); } .p99 { stroke: var(--pause); } text.p50 { stroke: none; fill: var(--good); } text.p99 { stroke: none; fill: var(--pause); }
.broker1 { fill: var(--b1); } .broker2 { fill: var(--b2); } .broker3 { fill: var(--b3); } .silence { fill: var(--bad); opacity: .85; }
table { border-collapse: collapse; width: 100%; } th { text-align: left; color: var(--soft); font-weight: 600; font-size: 12px; }
th, td { padding: 4px 10px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; } .number { text-align: right; font-variant-numeric: tabular-nums; }
.wide { overflow-x: auto; } td { font-variant-numeric: tabular-nums; } td em { color: var(--bad); font-style: normal; font-weight: 600; }
tr.ok td:first-child { color: var(--good); } tr.broken td { color: var(--bad); font-weight: 600; }
.anomalies { border-color: var(--bad); } ol { padding-left: 22px; margin: 8px 0; } li { margin: 6px 0; } code { font: 12.5px/1.45 ui-monospace, monospace; white-space: pre-wrap; }
.around { font: 12px/1.4 ui-monospace, monospace; margin: 6px 0 10px; } .around td { padding: 1px 12px 1px 0; border: 0; } .around td:first-child { white-space: nowrap; color: var(--soft); text-align: right; width: 90px; }
tr.event td { font-weight: 700; } tr.leader td { color: var(--network); } tr.anomaly td { background: var(--bad); color: #fff; } .around tr.anomaly td:first-child { color: #fff; }
summary { cursor: pointer; color: var(--soft); }
`;
