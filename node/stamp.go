package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// homeFormat is what this version makes of a home. It goes up when an older version could no longer use one.
const homeFormat = 1

// A stamp says what a home is, so that nothing is written into one that is not meant.
type stamp struct {
	Format  int    `json:"format"`
	Network string `json:"network"`
}

func (h home) stamp() string { return filepath.Join(string(h), "stamp") }

// stampOrCheck stamps a home that has no stamp, and checks that of one that has. The home is locked.
func (h home) stampOrCheck(network string) error {
	raw, err := os.ReadFile(h.stamp())
	if errors.Is(err, fs.ErrNotExist) {
		return h.writeStamp(stamp{homeFormat, network})
	}
	if err != nil {
		return fmt.Errorf("the stamp of the home %s cannot be read: %w; mend that, or choose another home with --home", h, err)
	}
	var s stamp
	if err := json.Unmarshal(raw, &s); err != nil || s.Format < 1 || s.Network == "" {
		return fmt.Errorf("the stamp %s is damaged: restore it from a backup, or remove it when this is a home of the network %s", h.stamp(), network)
	}
	if s.Format > homeFormat {
		return fmt.Errorf("the home %s has format %d, and this version knows %d: run the version that made it, or choose another home with --home", h, s.Format, homeFormat)
	}
	if s.Network != network {
		return fmt.Errorf("the home %s is of the network %s, not of %s: give --network %s, or another home with --home", h, s.Network, network, s.Network)
	}
	return nil
}

// writeStamp writes it whole or not at all.
func (h home) writeStamp(s stamp) (err error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(string(h), "stamp.tmp-*")
	if err != nil {
		return fmt.Errorf("stamp the home %s: %w", h, err)
	}
	_, err = f.Write(append(raw, '\n'))
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), h.stamp())
	}
	if err != nil {
		os.Remove(f.Name())
		return fmt.Errorf("stamp the home %s: %w", h, err)
	}
	return nil
}
