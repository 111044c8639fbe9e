// What was measured, and what is measured as it comes: evaluations and experiments, evaluators on traffic.
import { useTitle } from '../hooks';
import { Page, Tabs } from '../parts/common';
import { EvaluationList } from '../parts/evaluation_list';
import { Evaluators } from '../parts/evaluators';
import { Icon } from '../parts/icons';
import { usePageQuery } from '../parts/marks';
import { Link } from '../router';

const tabs = [
  ['runs', 'Over datasets'],
  ['traffic', 'On traffic'],
] as const;

export function EvaluationsPage() {
  useTitle('Evaluations');
  const page = usePageQuery();
  const tab = page.get('tab') === 'traffic' ? 'traffic' : 'runs';
  return (
    <Page
      title="Evaluations"
      isWide
      lead="Scores with error bars: of datasets, and of what comes in."
      actions={
        <Link class="button" href="/evaluations/new">
          <Icon name="plus" /> New evaluation
        </Link>
      }
    >
      <Tabs
        label="Evaluations"
        value={tab}
        options={tabs}
        onChange={(next) => page.set({ tab: next === 'runs' ? null : next })}
      />
      {tab === 'runs' ? <EvaluationList /> : <Evaluators />}
    </Page>
  );
}
