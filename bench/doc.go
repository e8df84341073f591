// Package bench measures Merograph beside its peers. A benchmark here runs its contenders in turn, in short rounds of one
// process, so that whatever else the machine does hits all of them, and prints the medians over the rounds and the
// ratios. It is a module of its own: the peers never enter the module they are compared with.
//
// README.md tells how to run each; docs/benchmarks.md has the results and the budgets.
package bench
