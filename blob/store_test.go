package blob_test

import (
	"testing"

	"github.com/merograph/merograph/blob"
	"github.com/merograph/merograph/blob/blobtest"
)

func TestConformance(t *testing.T) {
	t.Run("disk", func(t *testing.T) {
		blobtest.Test(t, func(t *testing.T) blobtest.Store {
			s, err := blob.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			return s
		})
	})
	t.Run("memory", func(t *testing.T) {
		blobtest.Test(t, func(t *testing.T) blobtest.Store { return blob.NewMem() })
	})
}
