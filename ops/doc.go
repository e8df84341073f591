// Package ops holds the standard ops: those that know no protocol. An op of a protocol's own is one line of graph.Op1;
// what is here is what several protocols would otherwise each write again.
package ops

import "github.com/merograph/merograph/graph"

// Ops is the opset of this package.
var Ops = graph.NewOpset("ops")
