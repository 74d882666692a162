import type { Child } from 'hono/jsx';

/** Small parts that several pages share. */

/** An amount with its unit for whoever does not see the column; zeros at its end say nothing. */
export function Amount({ credits }: { readonly credits: string }) {
  const shown = credits.replace(/(\.\d\d\d*?)0+$/, '$1');
  return (
    <span class="amount" title={`${credits} credits`}>
      {shown}
    </span>
  );
}

/** A moment, in UTC until the script puts it into the reader's own time zone. */
export function Time({ at }: { readonly at: number | string | Date }) {
  const date = new Date(typeof at === 'number' ? at * 1000 : at);
  const iso = date.toISOString();
  return <time datetime={iso}>{`${iso.slice(0, 16).replace('T', ' ')} UTC`}</time>;
}

/** What went well or wrong, in a box. */
export function Notice({ tone, children }: { readonly tone: 'bad' | 'good' | 'info'; readonly children?: Child }) {
  return (
    <div class={`notice ${tone}`} role={tone === 'bad' ? 'alert' : 'status'}>
      {children}
    </div>
  );
}

export function Figure({ name, children }: { readonly name: string; readonly children?: Child }) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A link to the next page of a list. */
export function Older({ href }: { readonly href: string | undefined }) {
  if (href === undefined) return null;
  return (
    <p class="older">
      <a class="button" href={href} rel="next">
        Older
      </a>
    </p>
  );
}
