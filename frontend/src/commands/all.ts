/** Every command of the page; shortcuts, palette and help come from these lists alone. */
import { local, t } from '../i18n';
import { passId } from '../model/fold';
import { catalogue } from '../state/catalogue';
import { busy, canCompile, chosen, compile, pass, shown, stopCompiling } from '../state/compilation';
import { openExample } from '../state/document';
import { LANGUAGES, type Language, language, THEMES, theme } from '../state/preferences';
import { share } from '../state/start';
import {
  choose,
  comparedWith,
  drawerOpen,
  floating,
  launchOpen,
  marked,
  neighbour,
  notice,
  searchWanted,
  showTab,
  type Tab,
  tabs,
} from '../state/view';
import type { Command } from './command';

const hasPass = () => pass.value !== null;
const ALL_TABS: readonly Tab[] = ['ir', 'diff', 'timeline', 'memory', 'profile', 'outputs'];

function diffWithBefore(): void {
  comparedWith.value = null;
  showTab('diff');
}

/** First use marks a pass; the second, on another, shows the difference between the two. */
function pickForDiff(): void {
  const now = pass.value;
  if (!now) return;
  const id = passId(now);
  if (marked.value === null || marked.value === id) {
    marked.value = id;
    chosen.value = id;
    notice.value = t('pick.first', { name: now.name });
    return;
  }
  comparedWith.value = marked.value;
  marked.value = null;
  showTab('diff');
}

/** Commands with a fixed place in the help; those without a shortcut are reached through the palette. */
export const COMMANDS: readonly Command[] = [
  {
    id: 'compile',
    label: () => t('command.compile'),
    shortcut: { key: 'enter', mod: true },
    enabled: () => canCompile.value,
    perform: () => void compile(),
  },
  { id: 'cancel', label: () => t('command.cancel'), enabled: () => busy.value, perform: () => void stopCompiling() },
  { id: 'next', label: () => t('command.next'), shortcut: { key: 'j' }, enabled: hasPass, perform: () => neighbour(1) },
  {
    id: 'previous',
    label: () => t('command.previous'),
    shortcut: { key: 'k' },
    enabled: hasPass,
    perform: () => neighbour(-1),
  },
  { id: 'follow', label: () => t('command.follow'), enabled: () => chosen.value !== null, perform: () => choose(null) },
  { id: 'diff', label: () => t('command.diff'), shortcut: { key: 'd' }, enabled: hasPass, perform: diffWithBefore },
  { id: 'pick', label: () => t('command.pick'), shortcut: { key: 'd', shift: true }, enabled: hasPass, perform: pickForDiff },
  ...ALL_TABS.map(
    (tab, at): Command => ({
      id: `tab-${tab}`,
      label: () => t('command.tab', { tab: t(`tab.${tab}`) }),
      shortcut: { key: String(at + 1) },
      enabled: () => tabs.value.includes(tab),
      perform: () => showTab(tab),
    }),
  ),
  {
    id: 'search',
    label: () => t('command.search'),
    shortcut: { key: '/' },
    enabled: hasPass,
    perform: () => {
      showTab('ir');
      searchWanted.value = true;
    },
  },
  { id: 'link', label: () => t('command.link'), shortcut: { key: 'l' }, perform: () => void share() },
  { id: 'diagnostics', label: () => t('command.diagnostics'), perform: () => (drawerOpen.value = !drawerOpen.value) },
  { id: 'launch', label: () => t('command.launch'), perform: () => (launchOpen.value = !launchOpen.value) },
  { id: 'help', label: () => t('command.help'), shortcut: { key: '?' }, perform: () => (floating.value = 'help') },
  {
    id: 'palette',
    label: () => t('command.palette'),
    shortcut: { key: 'k', mod: true },
    perform: () => (floating.value = 'palette'),
  },
];

/** What the palette offers beside those: every example, pass, theme and language. */
export function choices(): readonly Command[] {
  const examples = (catalogue.value?.examples ?? []).map((entry) => ({
    id: `example-${entry.name}`,
    label: () => t('command.example', { title: local(entry.title) }),
    perform: () => openExample(entry, local(entry.title)),
  }));
  const passes = (shown.value?.passes ?? []).map((entry) => ({
    id: `pass-${passId(entry)}`,
    label: () => t('command.pass', { name: [entry.scope, entry.name].filter(Boolean).join(': ') }),
    perform: () => choose(passId(entry)),
  }));
  const themes = THEMES.map((name) => ({
    id: `theme-${name}`,
    label: () => t('command.theme', { theme: t(`theme.${name}`) }),
    perform: () => {
      theme.value = name;
    },
  }));
  const languages = (Object.keys(LANGUAGES) as Language[]).map((name) => ({
    id: `language-${name}`,
    label: () => t('command.language', { language: LANGUAGES[name] }),
    perform: () => {
      language.value = name;
    },
  }));
  return [...examples, ...passes, ...themes, ...languages];
}
