package main

import (
	"os"
	"strings"
	"testing"
)

// The picture in the README is the one that the graph draws.
func TestReadmeShowsTheGraph(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if picture := Protocol().Mermaid(""); !strings.Contains(string(readme), picture) {
		t.Errorf("README.md does not hold the drawing of examples/ping:\n%s", picture)
	}
	code, err := os.ReadFile("ping.go")
	if err != nil {
		t.Fatal(err)
	}
	_, body, _ := strings.Cut(string(code), "// Protocol draws it.\n")
	if i := strings.Index(string(readme), body); i < 0 {
		t.Errorf("README.md does not hold the protocol of examples/ping as it is:\n%s", body)
	}
}
