package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/merograph/merograph/node"
)

// callTimeout bounds a call of the client.
const callTimeout = time.Minute

// A Client speaks to a running node through its door. Safe for concurrent use.
type Client struct {
	url   string
	token string
	home  string // where the two came from; "" when they were given
	http  *http.Client
}

// Dial finds the running node of a home. It does not speak to it yet.
func Dial(home string) (*Client, error) {
	address, err := os.ReadFile(node.APIFile(home))
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, noNode(home)
	}
	if err != nil {
		return nil, err
	}
	c, err := DialURL(strings.TrimSpace(string(address)), node.TokenFile(home))
	if c != nil {
		c.home = home
	}
	return c, err
}

// DialURL reaches a node at an address, with the token that a file holds.
func DialURL(address, tokenFile string) (*Client, error) {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, &Error{Kind: InvalidParams, Message: fmt.Sprintf("%q is no address of a node: it is like http://127.0.0.1:2528", address)}
	}
	token, err := readToken(tokenFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no token in %s: give the file token of the node's home with --token-file", tokenFile)
	}
	if err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true
	return &Client{url: strings.TrimSuffix(u.String(), "/"), token: token, http: &http.Client{Transport: transport}}, nil
}

func noNode(home string) *Error {
	return &Error{Kind: NoNode, Message: fmt.Sprintf("no node is running in %s: start it with merod run --home %s", home, home)}
}

// URL is the node's address.
func (c *Client) URL() string { return c.url }

// Close ends the connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Call makes one call and reads its result into result, which may be nil. What the node refuses is an *Error.
func (c *Client) Call(ctx context.Context, name string, params, result any) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if params == nil {
		params = struct{}{}
	}
	body, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": 1, "method": name, "params": params})
	if err != nil {
		return err
	}
	res, err := c.do(ctx, http.MethodPost, "/jsonrpc", bytes.NewReader(body), int64(len(body)))
	if err != nil {
		return err
	}
	defer res.Body.Close()
	var answer struct {
		Result json.RawMessage `json:"result"`
		Error  *wireError      `json:"error"`
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return fmt.Errorf("%s answers no JSON-RPC (%w): is it a node?", c.url, err)
	}
	if answer.Error != nil {
		return answer.Error.back()
	}
	if result == nil {
		return nil
	}
	return json.Unmarshal(answer.Result, result)
}

func (e *wireError) back() *Error {
	return &Error{Kind: e.Data.Type, Message: e.Message, Data: e.Data.Data}
}

// do sends a request; a status that says that it failed is an error.
func (c *Client) do(ctx context.Context, verb, path string, body io.Reader, size int64) (*http.Response, error) {
	q, err := http.NewRequestWithContext(ctx, verb, c.url+path, body)
	if err != nil {
		return nil, err
	}
	q.Header.Set("Authorization", "Bearer "+c.token)
	q.ContentLength = size
	if size == 0 {
		q.Body = http.NoBody
	}
	res, err := c.http.Do(q)
	if err != nil {
		return nil, c.explain(ctx, err)
	}
	if res.StatusCode < 400 {
		return res, nil
	}
	defer res.Body.Close()
	var answer struct {
		Error *wireError `json:"error"`
	}
	text, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if json.Unmarshal(text, &answer) != nil || answer.Error == nil || answer.Error.Data.Type == "" {
		return nil, fmt.Errorf("%s answers %s: is it a node?", c.url, res.Status)
	}
	if answer.Error.Data.Type == Unauthorized {
		return nil, &Error{Kind: Unauthorized, Message: c.strange()}
	}
	return nil, answer.Error.back()
}

func (c *Client) strange() string {
	if c.home != "" {
		return fmt.Sprintf("the node at %s does not take the token of %s, so it is the node of another home: start this one with merod run --home %s", c.url, c.home, c.home)
	}
	return fmt.Sprintf("the node at %s does not take the token: give the file token of its home with --token-file", c.url)
}

func (c *Client) explain(ctx context.Context, err error) error {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) && c.home != "":
		return noNode(c.home)
	case errors.Is(err, syscall.ECONNREFUSED):
		return &Error{Kind: NoNode, Message: fmt.Sprintf("no node answers at %s: is it running, and is this its address?", c.url)}
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return fmt.Errorf("the node at %s did not answer in %v", c.url, callTimeout)
	case errors.Is(ctx.Err(), context.Canceled):
		return ctx.Err()
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	return fmt.Errorf("the node at %s does not answer: %w", c.url, err)
}
