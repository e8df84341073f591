package main

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"

	"github.com/merograph/merograph/components/store"
	"github.com/merograph/merograph/dag"
	"github.com/merograph/merograph/node"
	"github.com/spf13/cobra"
)

func logCommand(c *common) *cobra.Command {
	return group("log", "the history on disk, while no node runs", logVerify(c), logDump(c), logRepair(c))
}

// A closedLog is the log of a home on which no node runs, for as long as it is held.
type closedLog struct {
	home string
	disk dag.Disk
	mark dag.Mark // what the index had seen synced
	lock io.Closer
}

// openClosed takes a home for this command: by dag.OSDisk to write to it, by dag.OSDiskReadOnly to look at it.
func openClosed(home string, disk func(dir string) dag.Disk) (*closedLog, error) {
	dir := node.LogDir(home)
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, noLog(home)
	}
	lock, err := disk(home).Lock()
	if errors.Is(err, dag.ErrInUse) {
		return nil, fmt.Errorf("a node runs on the home %s: stop it first; merod status --home %s says how it is", home, shell(home))
	}
	if err != nil {
		return nil, fmt.Errorf("lock the home %s: %w", home, err)
	}
	return &closedLog{home: home, disk: disk(dir), lock: lock}, nil
}

// openMarked is openClosed of the home that the command is about, with what its store proves. A store that cannot be read is
// told to out.
func openMarked(out io.Writer, home string, disk func(dir string) dag.Disk) (*closedLog, error) {
	l, err := openClosed(home, disk)
	if err != nil {
		return nil, err
	}
	var lost error
	if l.mark, lost, err = store.ReadMark(node.StoreDir(home)); err != nil {
		return nil, errors.Join(err, l.lock.Close())
	}
	if lost != nil {
		fmt.Fprintf(out, "the store of %s cannot be read, so it does not tell how far the log was synced: %v; the next start builds it again\n", home, lost)
	}
	return l, nil
}

func noLog(home string) error {
	return fmt.Errorf("there is no log in %s: a node makes it at its first start; choose the home with --home", home)
}

// explain says what to do about an error of the log.
func (l *closedLog) explain(err error) error {
	if errors.Is(err, dag.ErrNoLog) {
		return noLog(l.home)
	}
	return fmt.Errorf("the log of %s: %w", l.home, err)
}

func logVerify(c *common) *cobra.Command {
	return &cobra.Command{Use: "verify", Short: "read all of it and name what is damaged; nothing is changed", Args: takes(0), RunE: func(cmd *cobra.Command, _ []string) error {
		l, err := openMarked(cmd.ErrOrStderr(), c.homeOf(os.Getenv), dag.OSDiskReadOnly)
		if err != nil {
			return err
		}
		defer l.lock.Close()
		in, err := dag.VerifyLog(l.disk, l.mark)
		if err != nil {
			return l.explain(err)
		}
		if err := showLog(cmd.OutOrStdout(), c.json, logOf(in)); err != nil {
			return err
		}
		return l.damaged(in)
	}}
}

// damaged is the error of a log with damage.
func (l *closedLog) damaged(in dag.Inspection) error {
	if len(in.Damage) == 0 {
		return nil
	}
	d := in.Damage[0]
	return fmt.Errorf("the log of %s has %s, the first in segment %d at byte %d: the node runs on without them and gets what was there from its peers; "+
		"merod log repair --from takes it from another home", l.home, plural(len(in.Damage), "damaged place", "damaged places"), d.Segment, d.Offset)
}

func logDump(c *common) *cobra.Command {
	payload := false
	cmd := &cobra.Command{Use: "dump", Short: "its records in order, one a line", Args: takes(0)}
	cmd.Flags().BoolVar(&payload, "payload", false, "with --json, the payloads too")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if payload && !c.json {
			return usage("--payload needs --json")
		}
		l, err := openMarked(cmd.ErrOrStderr(), c.homeOf(os.Getenv), dag.OSDiskReadOnly)
		if err != nil {
			return err
		}
		defer l.lock.Close()
		in, err := dag.DumpLog(l.disk, l.mark, func(r dag.Record) error { return showRecord(cmd.OutOrStdout(), c.json, recordOf(r, payload)) })
		if err != nil {
			return l.explain(err)
		}
		return l.damaged(in)
	}
	return cmd
}

func logRepair(c *common) *cobra.Command {
	from, accept := "", false
	cmd := &cobra.Command{Use: "repair", Short: "cut a torn end, write lost heads again, take what is lost from another home", Args: takes(0)}
	cmd.Flags().StringVar(&from, "from", "", "a home (a backup, a copy, a peer's) that is read and not changed")
	cmd.Flags().BoolVar(&accept, "accept", false, "accept what is still damaged when nothing stands on it: later starts name it no more")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		l, err := openMarked(cmd.ErrOrStderr(), c.homeOf(os.Getenv), dag.OSDisk)
		if err != nil {
			return err
		}
		defer l.lock.Close()
		how := dag.Repair{Options: dag.Options{Wall: time.Now, Rand: rand.Reader}, Mark: l.mark, Accept: accept}
		if from != "" {
			o, err := openClosed(from, dag.OSDiskReadOnly)
			if err != nil {
				return err
			}
			defer o.lock.Close()
			how.From = o.disk
		}
		fixed, err := dag.RepairLog(l.disk, how)
		if errors.Is(err, dag.ErrMissing) {
			return fmt.Errorf("the damage in the log of %s is not accepted: %s missing on which others stand; start the node, which asks its peers for them, or use --from",
				l.home, plural(len(fixed.Missing), "delta is", "deltas are"))
		}
		if err != nil {
			return l.explain(err)
		}
		return showRepair(cmd.OutOrStdout(), c.json, fixed)
	}
	return cmd
}
