package node

import (
	"fmt"
	"time"
)

// Clock is for tests: it has the node live at another wall time than the machine. What is measured, and what is waited for,
// follows the machine's steady clock whatever this says.
type Clock struct {
	Offset Duration `toml:"offset"` // added to the machine's wall clock
}

// maxOffset keeps what is written before the year 9999, up to which the protocol counts.
const maxOffset = 200 * 365 * 24 * time.Hour

func (c *Clock) environment(get func(string) string) error {
	text := get("MEROD_CLOCK_OFFSET")
	if text == "" {
		return nil
	}
	if err := c.Offset.UnmarshalText([]byte(text)); err != nil {
		return fmt.Errorf("MEROD_CLOCK_OFFSET: %w", err)
	}
	return nil
}

func (c Clock) validate() []error {
	if d := time.Duration(c.Offset); d < -maxOffset || d > maxOffset {
		return []error{fmt.Errorf("clock offset %v: it is within %v of the machine's clock", d, maxOffset)}
	}
	return nil
}

// now is the wall time as a node with this clock reads it. It has no steady part: it is for stamps alone.
func (c Clock) now() time.Time { return time.Now().Round(0).Add(time.Duration(c.Offset)) }

// Wall is the node's wall time, for stamps. Safe for concurrent use.
func (s *State) Wall() time.Time { return s.cfg.Clock.now() }
