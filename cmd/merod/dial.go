package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/merograph/merograph/api"
	"github.com/merograph/merograph/node"
	"github.com/spf13/cobra"
)

// A reach says how a command finds its node.
type reach struct {
	*common
	url       string
	tokenFile string
}

// reachable gives a command the flags of those that speak to a running node.
func (c *common) reachable(cmd *cobra.Command) *reach {
	r := &reach{common: c}
	cmd.PersistentFlags().StringVar(&r.url, "node", "", "the address of another node's API, such as http://127.0.0.1:2528 (or MEROD_NODE)")
	cmd.PersistentFlags().StringVar(&r.tokenFile, "token-file", "", "the file that holds that node's token (or MEROD_TOKEN_FILE; default token in the home)")
	return r
}

// named says whether the command was told an address, and not only a home.
func (r *reach) named() bool { return r.url != "" || os.Getenv("MEROD_NODE") != "" }

func (r *reach) dial() (*api.Client, error) {
	home, url, token := r.homeOf(os.Getenv), r.url, r.tokenFile
	if url == "" {
		url = os.Getenv("MEROD_NODE")
	}
	if url == "" {
		return api.Dial(home)
	}
	if token == "" {
		token = os.Getenv("MEROD_TOKEN_FILE")
	}
	if token == "" {
		token = node.TokenFile(home)
	}
	return api.DialURL(url, token)
}

// call makes one call of the node and gives its result.
func call[R any](r *reach, cmd *cobra.Command, method string, params any) (R, error) {
	var result R
	err := r.with(cmd, func(ctx context.Context, c *api.Client) error { return c.Call(ctx, method, params, &result) })
	return result, err
}

// with dials and runs fn until it returns or Ctrl-C.
func (r *reach) with(cmd *cobra.Command, fn func(context.Context, *api.Client) error) error {
	c, err := r.dial()
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, stop := interruptible(cmd.Context())
	defer stop()
	return fn(ctx, c)
}

// interruptible gives a context that ends at Ctrl-C. After the first, a second ends the process as if nobody listened.
func interruptible(ctx context.Context) (context.Context, func()) {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	return ctx, stop
}
