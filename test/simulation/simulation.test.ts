import { describeSeeds } from "./seeds.ts";

// The further ones are in test/slow.
describeSeeds({ from: 1, to: 50 });
