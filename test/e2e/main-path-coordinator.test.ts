import { describeMainPath } from './main-path.ts';

describeMainPath({ transport: 'coordinator', mostWrites: 10, mostReads: 11 });
