// Package api is the way into a running node for programs on its machine: a control door over HTTP, and the small client
// that the commands use.
//
//	n, err := node.New(cfg, node.WithPart(api.New()))   // the door opens and closes with the node
//
//	c, err := api.Dial(home)                            // the node of that home
//	var put api.Written
//	err = c.Call(ctx, "store_put", api.PutParams{Key: "greeting", Value: "hello"}, &put)
//
// The door:
//
//	POST /jsonrpc                JSON-RPC 2.0, one call or a batch; the methods are the command's words joined by _
//	PUT  /admin-api/blobs        the raw body becomes a blob: {"data":{"blobId","size"}}
//	GET  /admin-api/blobs        {"data":{"blobs":[…]}}, with ?offset and ?limit
//	GET  /admin-api/blobs/ID     the bytes, from this node or from whoever has them within ?timeout=30s; ranges work
//	HEAD /admin-api/blobs/ID     whether this node holds it
//	GET  /metrics                counts in the text format of Prometheus
//	GET  /health, /ready         alive; 503 until the node is ready and again when it stops
//
// It listens on the loopback unless configured otherwise. While the node runs its home holds the files api, the address, and
// token, the secret that every request but the last two carries as "Authorization: Bearer TOKEN". A browser that was led
// here under another name is turned away: Host and Origin are checked.
//
// Every failure has a Kind. The table in errors.go is the one place that says which JSON-RPC code, HTTP status and exit
// status belong to it.
package api
