import uPlot from 'uplot';

/** Draws the tables that are to be seen as charts: a bar a day. */
export function drawCharts(): void {
  for (const place of document.querySelectorAll<HTMLElement>('[data-chart]')) {
    const rows = [...document.querySelectorAll<HTMLElement>(`#${place.dataset['chart']} tbody tr`)];
    const days = rows.map((row) => Date.parse(`${row.querySelector('th')?.textContent}T12:00:00Z`) / 1000);
    const values = rows.map((row) => Number(row.dataset['value']));
    if (rows.length > 0) draw(place, days, values);
  }
}

const HEIGHT = 180;
const DAY_SECONDS = 86_400;

function draw(place: HTMLElement, days: number[], values: number[]): void {
  const make = () => {
    place.replaceChildren();
    return new uPlot(optionsOf(place), [days, values], place);
  };
  let plot = make();
  new ResizeObserver(() => plot.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
    plot.destroy();
    plot = make();
  });
}

function optionsOf(place: HTMLElement): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const [text, line, accent] = ['--quiet', '--line', '--accent'].map((name) => style.getPropertyValue(name).trim());
  const axis = {
    stroke: text ?? '',
    grid: { stroke: line ?? '', width: 1 },
    ticks: { show: false },
    font: '12px system-ui',
  };
  const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' });
  const bars = uPlot.paths.bars?.({ size: [0.7, 40], radius: 0.2 });
  return {
    width: place.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: true, range: (_, first, last) => [first - DAY_SECONDS, last + DAY_SECONDS] },
      y: { range: (_, least, most) => [Math.min(0, least), Math.max(1, most * 1.1)] },
    },
    axes: [
      { ...axis, size: 28, grid: { show: false }, values: (_, splits) => splits.map((at) => day.format(at * 1000)) },
      { ...axis, size: 44 },
    ],
    series: [
      {},
      { fill: accent ?? '', stroke: accent ?? '', width: 0, points: { show: false }, ...(bars && { paths: bars }) },
    ],
  };
}
