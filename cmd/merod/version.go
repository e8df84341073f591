package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/merograph/merograph/node"
	"github.com/spf13/cobra"
)

// A build is what this program was made of.
type build struct {
	Version  string `json:"version"`
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
	Revision string `json:"revision,omitempty"`
	Time     string `json:"time,omitempty"` // of the revision
	Modified bool   `json:"modified,omitempty"`
}

func thisBuild() build {
	b := build{Version: node.Version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Revision = s.Value
		case "vcs.time":
			b.Time = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		}
	}
	return b
}

func versionCommand(c *common) *cobra.Command {
	return &cobra.Command{Use: "version", Short: "the version of this program", Args: takes(0), RunE: func(cmd *cobra.Command, _ []string) error {
		b := thisBuild()
		if c.json {
			return printJSON(cmd.OutOrStdout(), b)
		}
		revision := b.Revision
		if revision != "" && b.Modified {
			revision += ", modified"
		}
		if revision != "" {
			revision = " (" + revision + ")"
		}
		_, err := fmt.Fprintf(cmd.OutOrStdout(), "merod %s%s, %s, %s/%s\n", b.Version, revision, b.Go, b.OS, b.Arch)
		return err
	}}
}
