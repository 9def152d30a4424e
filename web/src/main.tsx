import { render } from 'preact';
import { App } from './ui/app.tsx';
import { speak } from './ui/text.ts';
import { remembered } from './ui/memory.ts';
import { goOnline, options, verifiedName } from './session.ts';

const wanted = [options.language, remembered('language'), ...navigator.languages].filter((tag): tag is string => tag !== undefined);
await speak(wanted);
const name = verifiedName ?? options.name;
if (name) goOnline(name);
render(<App />, document.getElementById('app')!);
