// Before the first paint: the chosen colours, or the system's.
import { applyTheme } from './theme';

applyTheme();
