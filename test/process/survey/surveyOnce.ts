// Run by tests as a program of its own, under another user: one settled survey, printed as JSON. Arguments: home, run folder.
import { makeSurveyor, settled } from './world.ts';

const [home = '', runDir = ''] = process.argv.slice(2);
const surveyor = await makeSurveyor(home, runDir);
console.log(JSON.stringify(await settled(surveyor)));
surveyor.dispose();
