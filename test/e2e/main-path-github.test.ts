import { describeMainPath } from './main-path.ts';

describeMainPath({ transport: 'github', mostWrites: 30, mostReads: 300 });
