package graph

import "time"

// share is what one peer has in the instance.
type share struct {
	count, bytes int
	tokens       map[string]*bucket
}

// A bucket holds the tokens of one sender on one channel.
type bucket struct {
	tokens float64
	at     Time
	full   Time // when it is full again
}

// mostShares bounds the peers whose rate is remembered; those who are idle and have rested long enough are let go first.
const mostShares = 8192

// charge takes a message into its sender's share, or refuses it. The caller holds the lock.
func (b *inbox) charge(m *Message, c *channel) *Failure {
	who := m.Peer
	if m.Kind == TopicMsg {
		who = m.Relay // it is the neighbour that used our inbox
	}
	s := b.shares[who]
	if s == nil {
		if len(b.shares) >= mostShares {
			b.sweep(b.in.host.Now())
		}
		if len(b.shares) >= mostShares {
			return &Failure{Reason: Busy, RetryAfter: retryAfter, Detail: "too many peers at once"}
		}
		if s, b.spare = b.spare, nil; s == nil {
			s = &share{}
		}
	}
	bounds := &b.in.bounds
	perPeer, perPeerBytes := max(1, bounds.Outside/8), max(c.maxReq, bounds.OutsideBytes/8)
	switch {
	case c.perSecond > 0 && m.Kind != CancelMsg && !s.allow(c, b.in.host.Now()):
		b.shares[who] = s
		return &Failure{Reason: Busy, RetryAfter: time.Second / time.Duration(c.perSecond), Detail: "over the rate of " + c.name}
	case b.outside >= bounds.Outside || b.bytes+len(m.Payload) > max(bounds.OutsideBytes, c.maxReq):
		return &Failure{Reason: Busy, RetryAfter: retryAfter, Detail: "the inbox is full"}
	case s.count >= perPeer || s.bytes+len(m.Payload) > perPeerBytes:
		return &Failure{Reason: Busy, RetryAfter: retryAfter, Detail: "the sender has its share of the inbox"}
	}
	b.shares[who] = s
	s.count++
	s.bytes += len(m.Payload)
	b.outside++
	b.bytes += len(m.Payload)
	return nil
}

// allow takes a token of the channel's rate.
func (s *share) allow(c *channel, now Time) bool {
	if s.tokens == nil {
		s.tokens = map[string]*bucket{}
	}
	burst, rate := float64(max(1, c.burst)), float64(c.perSecond)
	t := s.tokens[c.name]
	if t == nil {
		t = &bucket{tokens: burst, at: now}
		s.tokens[c.name] = t
	}
	if now > t.at {
		t.tokens = min(burst, t.tokens+float64(now.Sub(t.at).Seconds()*rate))
		t.at = now
	}
	if t.tokens < 1 {
		return false
	}
	t.tokens--
	t.full = now.Add(time.Duration(float64(time.Second) * float64((burst-t.tokens)/rate)))
	return true
}

// sweep lets go of the shares that say nothing any more, at most once a second.
func (b *inbox) sweep(now Time) {
	if b.swept != 0 && now.Sub(b.swept) < time.Second {
		return
	}
	b.swept = now
	for p, s := range b.shares { //lint:unordered removes each that is idle, whatever the order
		idle := s.count == 0
		for _, t := range s.tokens { //lint:unordered all must be full
			idle = idle && t.full <= now
		}
		if idle {
			delete(b.shares, p)
		}
	}
}
