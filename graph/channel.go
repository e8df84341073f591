package graph

import (
	"reflect"
	"time"
)

// A ChannelKind says how a channel crosses.
type ChannelKind uint8

// The kinds of channel.
const (
	ExchangeKind ChannelKind = iota + 1 // a request and its reply
	MessageKind                         // one way
	TopicKind                           // one to many, unordered, may repeat
)

// String is the kind in the words of the design.
func (k ChannelKind) String() string {
	return [...]string{"", "exchange", "message", "topic"}[k]
}

// channel is what a declared crossing is, whatever its types.
type channel struct {
	kind             ChannelKind
	name             string
	request, reply   reflect.Type
	maxReq, maxReply int
	perSecond, burst int
}

// A ChannelOption sets a bound of a channel.
type ChannelOption func(*channel)

// MaxRequest is the greatest size of what is sent, in bytes, encoded. A channel without one is a compile error.
func MaxRequest(n int) ChannelOption { return func(c *channel) { c.maxReq = n } }

// MaxReply is the greatest size of a reply, in bytes, encoded. An exchange without one is a compile error.
func MaxReply(n int) ChannelOption { return func(c *channel) { c.maxReply = n } }

// Rate is how much one sender may send: so many a second on average, and burst at once. Over it: busy.
func Rate(perSecond, burst int) ChannelOption {
	return func(c *channel) { c.perSecond, c.burst = perSecond, burst }
}

// An ExchangeOf is a declared exchange: a request Q and its reply A.
type ExchangeOf[Q, A any] struct {
	c     *channel
	req   codec[Q]
	reply codec[A]
}

// Exchange declares an exchange. Its name is unique in its graph, and part of the protocol id.
func Exchange[Q, A any](name string, opts ...ChannelOption) *ExchangeOf[Q, A] {
	c := newChannel(ExchangeKind, name, opts)
	c.request, c.reply = reflect.TypeFor[Q](), reflect.TypeFor[A]()
	return &ExchangeOf[Q, A]{c, codec[Q]{}, codec[A]{}}
}

// A MessageOf is a declared one-way message.
type MessageOf[T any] struct {
	c     *channel
	codec codec[T]
}

// OneWay declares a one-way message.
func OneWay[T any](name string, opts ...ChannelOption) *MessageOf[T] {
	c := newChannel(MessageKind, name, opts)
	c.request = reflect.TypeFor[T]()
	return &MessageOf[T]{c, codec[T]{}}
}

// A TopicOf is a declared topic.
type TopicOf[T any] struct {
	c     *channel
	codec codec[T]
}

// Topic declares a topic.
func Topic[T any](name string, opts ...ChannelOption) *TopicOf[T] {
	c := newChannel(TopicKind, name, opts)
	c.request = reflect.TypeFor[T]()
	return &TopicOf[T]{c, codec[T]{}}
}

func newChannel(kind ChannelKind, name string, opts []ChannelOption) *channel {
	c := &channel{kind: kind, name: name}
	for _, o := range opts {
		o(c)
	}
	return c
}

// A Rule says who may use a channel: a pure function of the sender and of cells. It runs in the host, on any goroutine,
// before anything is queued or relayed.
type Rule interface{ rule() *rule }

type rule struct {
	text  string
	param *param // nil: of the sender alone
	allow func(from Peer, v any) bool
}

func (r *rule) rule() *rule { return r }

// Anyone is the rule of a channel that every authenticated peer may use.
var Anyone Rule = &rule{text: "anyone", allow: func(Peer, any) bool { return true }}

// Allow is a rule that reads a Param or a feed: text says in a drawing who may.
func Allow[T any](text string, c Cell[T], fn func(from Peer, v T) bool) Rule {
	r := &rule{text: text, param: c.p.src.p}
	r.allow = func(from Peer, v any) bool {
		t, ok := v.(T)
		return ok && fn(from, t)
	}
	return r
}

// A ChannelInfo describes a channel of a program, for the host that carries it.
type ChannelInfo struct {
	Kind         ChannelKind
	Name         string
	From, To     string // roles
	In, Out      bool   // this role receives, sends
	Judged       bool   // a topic with a Relay line: what it brings is passed on when the receiver's verdict says so
	MaxRequest   int    // bytes
	MaxReply     int    // bytes, 0 when there is none
	Fingerprint  uint64 // over what the two ends must agree on
	Rule         string // as drawn
	PerSecond    int
	RequestType  string
	ReplyType    string
	CallDeadline time.Duration // 0 when there is none
}

// ID is the channel's protocol id.
func (c ChannelInfo) ID(graph string, version int) string {
	return channelID(graph, version, c.Name)
}
