package node

import (
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

// pace is Sync as the protocol takes it. What is zero, in a configuration that code made, is the default.
func (s Sync) pace() replicate.Pace {
	return replicate.Pace{Batch: s.Batch, Retries: s.Retries, Timeout: time.Duration(s.AckTimeout)}
}

func (s *Sync) environment(get func(string) string) error {
	for _, v := range []struct {
		name string
		set  *int
	}{{"MEROD_SYNC_BATCH", &s.Batch}, {"MEROD_SYNC_RETRIES", &s.Retries}} {
		if text := get(v.name); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil {
				return fmt.Errorf("%s=%s: it is a whole number", v.name, text)
			}
			*v.set = n
		}
	}
	if text := get("MEROD_SYNC_ACK_TIMEOUT"); text != "" {
		if err := s.AckTimeout.UnmarshalText([]byte(text)); err != nil {
			return fmt.Errorf("MEROD_SYNC_ACK_TIMEOUT: %w", err)
		}
	}
	return nil
}

func (s *Sync) validate() (errs []error) {
	if s.Batch < 0 || s.Batch > dag.MaxPageDeltas {
		errs = append(errs, fmt.Errorf("sync batch %d: it is 1 to %d deltas", s.Batch, dag.MaxPageDeltas))
	}
	if s.Retries < 0 || s.Retries > 100 {
		errs = append(errs, fmt.Errorf("sync retries %d: they are 1 to 100", s.Retries))
	}
	if t := time.Duration(s.AckTimeout); t != 0 && (t < 100*time.Millisecond || t > time.Hour) {
		errs = append(errs, fmt.Errorf("sync acknowledgement timeout %v: it is 100ms to 1h", t))
	}
	return errs
}
