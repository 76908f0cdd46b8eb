/** Starts the page. */
import { effect } from '@preact/signals';
import { render } from 'preact';
import { App } from './App';
import { listen } from './commands/keyboard';
import { title } from './state/document';
import { keepInspecting } from './state/inspecting';
import { language, theme } from './state/preferences';
import { start } from './state/start';
import './styles/tokens.css';
import './styles/page.css';
import './styles/panes.css';

const LANGUAGE_TAGS = { en: 'en', zh: 'zh-CN' } as const;

effect(() => {
  document.documentElement.lang = LANGUAGE_TAGS[language.value];
});
effect(() => {
  document.documentElement.dataset.theme = theme.value;
});
effect(() => {
  document.title = title.value ? `${title.value} · Tilescope` : 'Tilescope';
});

const root = document.getElementById('app');
if (root) render(<App />, root);
listen();
keepInspecting();
void start(location.pathname);
