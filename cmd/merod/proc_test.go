package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/merograph/merograph/api"
	"github.com/merograph/merograph/graph"
)

// A proc is a merod that runs as a process of its own on a home, and is killed and started again there. Call is for any
// goroutine; what changes the process is for one.
type proc struct {
	name, home string
	args, env  []string
	id         graph.Peer

	mu     sync.Mutex
	client *api.Client   // nil while it does not serve
	news   chan struct{} // closed when client changes

	cmd  *exec.Cmd
	said bytes.Buffer  // on stderr
	read chan struct{} // closed when its output has ended
}

func newProc(t *testing.T, name, home string, offset time.Duration, args ...string) *proc {
	t.Helper()
	p := &proc{name: name, home: home, news: make(chan struct{}), args: append([]string{"run", "--json", "--home", home, "--api-addr", "127.0.0.1:0"}, args...),
		env: append(os.Environ(), "MEROD_CLOCK_OFFSET="+offset.String())}
	t.Cleanup(func() { p.end(syscall.SIGKILL) })
	return p
}

// start starts the process and returns when it serves.
func (p *proc) start() error {
	p.cmd, p.read = exec.Command("merod", p.args...), make(chan struct{})
	p.cmd.Env, p.cmd.Stderr = p.env, &p.said
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	ready := make(chan line, 1)
	go func() {
		defer close(p.read)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			var l line
			if json.Unmarshal(lines.Bytes(), &l) == nil && l.State == "ready" {
				ready <- l
			}
		}
	}()
	select {
	case l := <-ready:
		p.id = l.NodeID
	case <-p.read:
		return fmt.Errorf("%s ended before it was ready: %v: %s", p.name, p.cmd.Wait(), p.said.String())
	}
	c, err := api.Dial(p.home)
	if err != nil {
		return err
	}
	p.serve(c)
	return nil
}

// end ends the process with a signal and returns when it is gone.
func (p *proc) end(sig syscall.Signal) error {
	if p.cmd == nil || p.cmd.Process == nil {
		return nil
	}
	err := p.cmd.Process.Signal(sig)
	p.serve(nil)
	<-p.read
	err = errors.Join(err, p.cmd.Wait())
	p.cmd = nil
	return err
}

func (p *proc) serve(c *api.Client) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.client != nil {
		p.client.Close()
	}
	p.client = c
	close(p.news)
	p.news = make(chan struct{})
}

// serving waits for the process to serve.
func (p *proc) serving(ctx context.Context) (*api.Client, error) {
	for {
		p.mu.Lock()
		c, news := p.client, p.news
		p.mu.Unlock()
		if c != nil {
			return c, nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil, fmt.Errorf("%s is not up: %w", p.name, ctx.Err())
		}
	}
}

// call makes a call as soon as the process serves. An error says nothing of whether it was done.
func (p *proc) call(ctx context.Context, method string, params, result any) error {
	c, err := p.serving(ctx)
	if err == nil {
		err = c.Call(ctx, method, params, result)
	}
	return err
}

// until asks again and again, for a minute at most, until ask returns nil.
func until(ctx context.Context, what string, ask func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, time.Minute, errors.New("a minute has passed"))
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w: %w", what, context.Cause(ctx), err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}
