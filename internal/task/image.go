package task

import (
	"fmt"
	"net/http"
	"slices"
)

const (
	// MaxImages is how many images a request can have.
	MaxImages = 4
	// MaxImage is how large one can be, in bytes.
	MaxImage = 1 << 20
)

// Image is a picture that belongs to a request.
type Image struct {
	Name string `json:"name"`
	// MediaType is one of PNG, JPEG, GIF and WebP, as found in the bytes.
	MediaType string `json:"media_type"`
	Data      []byte `json:"data"`
}

// NewImage returns an image of these bytes, whatever its name says. The error's
// code is invalid when they are none that a model could be shown.
func NewImage(name string, data []byte) (Image, error) {
	if len(data) > MaxImage {
		return Image{}, Errorf(CodeInvalid, "the image is larger than %d KiB", MaxImage>>10)
	}
	kind := http.DetectContentType(data)
	if !slices.Contains([]string{"image/png", "image/jpeg", "image/gif", "image/webp"}, kind) {
		return Image{}, Errorf(CodeInvalid, "it is no PNG, JPEG, GIF or WebP image")
	}
	return Image{Name: name, MediaType: kind, Data: data}, nil
}

// String says what the image is, without its bytes.
func (i Image) String() string {
	return fmt.Sprintf("%q (%s, %d bytes)", i.Name, i.MediaType, len(i.Data))
}

// GoString is String, so that no log holds the bytes.
func (i Image) GoString() string { return i.String() }

// Sound returns those of some images that may be shown to a model.
func Sound(images []Image) []Image {
	var sound []Image
	for _, i := range images {
		again, err := NewImage(i.Name, i.Data)
		if err == nil && again.MediaType == i.MediaType && len(sound) < MaxImages {
			sound = append(sound, i)
		}
	}
	return sound
}
