// Pages that come as files of their own when they are opened.
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Problem } from '../api';
import { Page, ProblemBox, Waiting } from './common';

type Load<Props> = () => Promise<ComponentType<Props>>;

/** A component that is fetched at its first use. `title` stands above what waits. */
export function later<Props extends object>(title: string, load: Load<Props>) {
  let loaded: ComponentType<Props> | null = null;
  return function Later(props: Props) {
    const [, redraw] = useState(0);
    const [problem, setProblem] = useState<Problem | null>(null);
    const fetchIt = () => {
      setProblem(null);
      load().then(
        (component) => {
          loaded = component;
          redraw((n) => n + 1);
        },
        // Another version of the program serves other files, which a new page knows.
        () => setProblem(new Problem(0, 'this part of the page did not come; reload the page')),
      );
    };
    useEffect(() => {
      if (!loaded) fetchIt();
    }, []);
    if (loaded) {
      const Loaded = loaded;
      return <Loaded {...props} />;
    }
    return (
      <Page title={title}>
        {problem ? (
          <ProblemBox problem={problem} retry={() => location.reload()} />
        ) : (
          <Waiting lines={6} />
        )}
      </Page>
    );
  };
}
