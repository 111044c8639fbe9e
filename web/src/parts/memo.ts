// A component that is drawn anew only when one of its properties is another value.
import { Component, h, type ComponentType, type FunctionComponent } from 'preact';

export function memo<Props extends object>(inner: FunctionComponent<Props>): ComponentType<Props> {
  return class Memo extends Component<Props> {
    override shouldComponentUpdate(next: Readonly<Props>): boolean {
      const now = this.props as Record<string, unknown>;
      const then = next as Record<string, unknown>;
      for (const name in then) if (now[name] !== then[name]) return true;
      return false;
    }
    override render() {
      return h(inner, this.props as Props & preact.Attributes);
    }
  };
}
