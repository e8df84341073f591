package blob_test

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/merograph/merograph/blob"
)

func Example() {
	here, there := blob.NewMem(), blob.NewMem()
	id, size, err := here.Add(strings.NewReader("a file\n"))
	if err != nil {
		panic(err)
	}
	fmt.Println(id, size)

	// Another node knows the id and the size, and asks for what Next names.
	r, err := there.Receive(id, size)
	if err != nil {
		panic(err)
	}
	defer r.Abort() // does nothing when the blob is whole
	for {
		off, length, done := r.Next()
		if done {
			break
		}
		slice, err := here.ReadSlice(id, off, length) // over the network, in life
		if err != nil {
			panic(err)
		}
		if err := r.Write(off, slice); err != nil {
			panic(err)
		}
	}
	f, _, err := there.Get(id)
	if err != nil {
		panic(err)
	}
	defer f.Close()
	if _, err := io.Copy(os.Stdout, f); err != nil {
		panic(err)
	}
	// Output:
	// bafkr4ifqltdgwlpr7w537jor7y7w63gbbkdvnzt3c5mdkd73pdwnpojcte 7
	// a file
}
