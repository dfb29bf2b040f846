import { describeMainPath } from './main-path.ts';

describeMainPath({ transport: 'coordinator', mostWrites: 12, mostReads: 8 });
