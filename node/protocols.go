package node

import (
	"github.com/merograph/merograph/graph"
	"github.com/merograph/merograph/opsets/blobexchange"
	"github.com/merograph/merograph/opsets/globalregistry"
	"github.com/merograph/merograph/opsets/replicate"
)

// Protocols records the protocols that a node speaks, in the order of their names.
func Protocols() []*graph.Graph {
	return []*graph.Graph{blobexchange.Protocol(), globalregistry.Protocol(), replicate.Protocol()}
}
