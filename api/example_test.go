package api_test

import (
	"context"
	"fmt"
	"os"

	"github.com/merograph/merograph/api"
	"github.com/merograph/merograph/node"
)

// A node with its door, and a program that finds it through the home.
func Example() {
	home, err := os.MkdirTemp("", "example-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(home)
	cfg := node.Default()
	cfg.Home, cfg.Memory, cfg.API.Addr = home, true, "127.0.0.1:0"
	cfg.Swarm.Addrs = []string{"/ip4/127.0.0.1/tcp/0"}
	n, err := node.New(cfg, node.WithPart(api.New()))
	if err != nil {
		panic(err)
	}
	ctx := context.Background()
	if err := n.Start(ctx); err != nil {
		panic(err)
	}
	defer n.Stop(ctx)

	c, err := api.Dial(home)
	if err != nil {
		panic(err)
	}
	defer c.Close()
	var put api.Written
	if err := c.Call(ctx, "store_put", api.Put("greeting", []byte("hello")), &put); err != nil {
		panic(err)
	}
	var got api.Entry
	if err := c.Call(ctx, "store_get", api.Key("greeting"), &got); err != nil {
		panic(err)
	}
	fmt.Println(put.Status, *got.Value)
	fmt.Println(c.Call(ctx, "store_get", api.Key("nothing"), nil))
	// Output:
	// created hello
	// there is no key "nothing"
}
