// Package simnode is the simulation of a whole node, as far as the simulator runs it: the program replicate, bound to a real journal on a
// disk that is simulated, and the key-value store that is folded from it.
//
//	merod testnet sim node --nodes 20 --time 30m --seed 7 --faults all
//
// Node 0 founds a context and grants some of the others at once and the rest one by one. Users put and remove keys, some of them in
// bursts that nobody waits for. Disks tear, fail, fill up and rot; homes are put back to old copies and started twice; from eight nodes on,
// one node in eight is hostile and has a valid key. What must hold is in properties.go.
//
// Registry and blobs are not in it: a node of the simulator has one instance.
package simnode
