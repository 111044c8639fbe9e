// A list that comes page by page, with the chosen row's details beside it; arrow keys go from row to row.
import type { ComponentChildren } from 'preact';
import { ProblemBox, Waiting } from './common';
import type { More } from './more';

/** For the next page of a list that has one. */
export function ShowMore({ list }: { list: Pick<More<unknown>, 'hasMore' | 'isLoading' | 'more'> }) {
  if (!list.hasMore) return null;
  return (
    <div class="row more">
      <button type="button" class="quiet" disabled={list.isLoading} onClick={list.more}>
        {list.isLoading ? 'Loading' : 'Show more'}
      </button>
    </div>
  );
}

export function ListDetail<T extends { id: string }>({
  list,
  caption,
  head,
  isHeadHidden = false,
  empty,
  chosen,
  onChoose,
  row,
  detail,
  isDetailWide = false,
}: {
  list: More<T>;
  caption: string; // For those who hear the table.
  head: ComponentChildren; // The cells of its head.
  isHeadHidden?: boolean;
  empty: ComponentChildren; // Stands there when nothing is listed.
  chosen: string;
  onChoose: (id: string) => void;
  row: (item: T) => ComponentChildren;
  detail: ComponentChildren; // Nothing: the list has the whole width.
  isDetailWide?: boolean;
}) {
  const step = (event: KeyboardEvent) => {
    const by = event.key === 'ArrowDown' ? 1 : event.key === 'ArrowUp' ? -1 : 0;
    if (!by || !list.items.length) return;
    const next = list.items.findIndex((item) => item.id === chosen) + by;
    const to = list.items[Math.max(0, Math.min(list.items.length - 1, next))];
    if (to) onChoose(to.id);
    event.preventDefault();
  };
  const body = detail ? `list-body ${isDetailWide ? 'wide-detail' : ''}` : '';
  return (
    <>
      <ProblemBox problem={list.problem} retry={list.reload} />
      {list.isFirst && <Waiting lines={6} />}
      {!list.isFirst && !list.problem && list.items.length === 0 && empty}
      {list.items.length > 0 && (
        <div class={body}>
          <div class="stack tight">
            <div class="table traces">
              <table onKeyDown={step}>
                <caption class="hidden">{caption}</caption>
                <thead class={isHeadHidden ? 'hidden' : undefined}>
                  <tr>{head}</tr>
                </thead>
                <tbody>{list.items.map(row)}</tbody>
              </table>
            </div>
            <ShowMore list={list} />
          </div>
          {detail}
        </div>
      )}
    </>
  );
}
