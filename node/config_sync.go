package node

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/opsets/replicate"
)

// Sync is how the outbox delivers what a connected peer has not acknowledged.
type Sync struct {
	Batch      int      `toml:"batch"`       // deltas in one delivery
	Retries    int      `toml:"retries"`     // deliveries that nobody answers, before the peer is left to catch-up
	AckTimeout Duration `toml:"ack_timeout"` // for an acknowledgement
}

// A Duration is written as Go writes it: 10s, 1m30s.
type Duration time.Duration

// UnmarshalText reads it.
func (d *Duration) UnmarshalText(b []byte) error {
	v, err := time.ParseDuration(string(b))
	if err != nil {
		return fmt.Errorf("%q is no duration: it is like 10s", b)
	}
	*d = Duration(v)
	return nil
}

// MarshalText writes it.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

func defaultSync() Sync {
	return Sync{replicate.DefaultBatch, replicate.DefaultRetries, Duration(replicate.DefaultTimeout)}
}

// whole puts the default in for what is zero: a configuration that code made need not know of it.
func (s Sync) whole() Sync {
	d := defaultSync()
	return Sync{cmp.Or(s.Batch, d.Batch), cmp.Or(s.Retries, d.Retries), cmp.Or(s.AckTimeout, d.AckTimeout)}
}

// pace is Sync as the protocol takes it.
func (s Sync) pace() replicate.Pace {
	s = s.whole()
	return replicate.Pace{Batch: s.Batch, Retries: s.Retries, Timeout: time.Duration(s.AckTimeout)}
}

// environment reads the variables. What one says stands for itself: a zero is no default.
func (s *Sync) environment(get func(string) string) error {
	number := func(to *int, text string) (err error) {
		if *to, err = strconv.Atoi(text); err != nil {
			return errors.New("it is a whole number")
		}
		return nil
	}
	for _, v := range []struct {
		name string
		set  func(s *Sync, text string) error
	}{
		{"MEROD_SYNC_BATCH", func(s *Sync, text string) error { return number(&s.Batch, text) }},
		{"MEROD_SYNC_RETRIES", func(s *Sync, text string) error { return number(&s.Retries, text) }},
		{"MEROD_SYNC_ACK_TIMEOUT", func(s *Sync, text string) error { return s.AckTimeout.UnmarshalText([]byte(text)) }},
	} {
		text := get(v.name)
		if text == "" {
			continue
		}
		said := defaultSync()
		err := v.set(&said, text)
		if err == nil {
			err = errors.Join(said.check()...)
		}
		if err != nil {
			return fmt.Errorf("%s=%s: %w", v.name, text, err)
		}
		if err := v.set(s, text); err != nil {
			return err
		}
	}
	return nil
}

func (s Sync) validate() []error { return s.whole().check() }

// check finds what is out of bounds, in settings that somebody wrote.
func (s Sync) check() (errs []error) {
	if s.Batch < 1 || s.Batch > dag.MaxPageDeltas {
		errs = append(errs, fmt.Errorf("sync batch %d: it is 1 to %d deltas", s.Batch, dag.MaxPageDeltas))
	}
	if s.Retries < 1 || s.Retries > 100 {
		errs = append(errs, fmt.Errorf("sync retries %d: they are 1 to 100", s.Retries))
	}
	if t := time.Duration(s.AckTimeout); t < 100*time.Millisecond || t > time.Hour {
		errs = append(errs, fmt.Errorf("sync acknowledgement timeout %v: it is 100ms to 1h", t))
	}
	return errs
}
