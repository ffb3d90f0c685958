import { describeSeeds } from "../simulation/seeds.ts";

describeSeeds({ from: 51, to: 500 });
