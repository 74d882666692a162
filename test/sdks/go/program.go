// The steps of ../steps.ts with OpenAI's Go SDK.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"reflect"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

var ctx = context.Background()
var client = with(os.Getenv("API_KEY"))

func with(key string) openai.Client {
	return openai.NewClient(option.WithUnsafeAllowHTTP(), option.WithBaseURL(os.Getenv("API_URL")), option.WithAPIKey(key))
}

func order() openai.VideoNewParams {
	return openai.VideoNewParams{
		Prompt:  "a red fox",
		Model:   openai.VideoModelSora2,
		Seconds: openai.VideoSeconds4,
		Size:    openai.VideoSize720x1280,
	}
}

func step(name string, run func() error) {
	if err := run(); err != nil {
		fmt.Printf("not ok %s: %s\n", name, strings.ReplaceAll(err.Error(), "\n", " "))
		return
	}
	fmt.Printf("ok %s\n", name)
}

func expect[T any](got T, wanted T) error {
	if !reflect.DeepEqual(got, wanted) {
		return fmt.Errorf("got %v, wanted %v", got, wanted)
	}
	return nil
}

// State is what the video says of its credits, a field that the SDK does not know.
func state(video *openai.Video) string {
	raw := video.JSON.ExtraFields["credits"].Raw()
	for _, state := range []string{"held", "charged", "refunded"} {
		if strings.Contains(raw, `"state":"`+state+`"`) {
			return state
		}
	}
	return raw
}

func held(video *openai.Video, err error) error {
	if err != nil {
		return err
	}
	for _, key := range []string{"id", "object", "model", "status", "progress", "created_at", "completed_at", "expires_at",
		"prompt", "size", "seconds", "remixed_from_video_id", "error", "credits"} {
		if !strings.Contains(video.RawJSON(), `"`+key+`":`) {
			return fmt.Errorf("no %s", key)
		}
	}
	// The provider may have it by the time of the answer.
	if video.Status != "queued" && video.Status != "in_progress" {
		return fmt.Errorf("it is %s", video.Status)
	}
	return expect(state(video), "held")
}

type refusal struct {
	status int
	code   string
	param  string
}

func refused(err error, wanted refusal) error {
	var refused *openai.Error
	if !errors.As(err, &refused) {
		return fmt.Errorf("not refused: %v", err)
	}
	if wanted.code == "" {
		wanted.code = refused.Code
	}
	return expect(refusal{refused.StatusCode, refused.Code, refused.Param}, wanted)
}

func main() {
	png, err := os.ReadFile(os.Getenv("PNG_FILE"))
	if err != nil {
		panic(err)
	}
	var made []string
	note := func(video *openai.Video, err error) (*openai.Video, error) {
		if err == nil {
			made = append(made, video.ID)
		}
		return video, err
	}

	step("create", func() error { return held(note(client.Videos.New(ctx, order()))) })
	step("poll", func() error {
		video, err := note(client.Videos.NewAndPoll(ctx, order(), 100))
		if err != nil {
			return err
		}
		return expect([]string{string(video.Status), state(video)}, []string{"completed", "charged"})
	})
	step("create with a file", func() error {
		params := order()
		params.InputReference.OfFile = openai.File(bytes.NewReader(png), "fox.png", "image/png")
		return held(note(client.Videos.New(ctx, params)))
	})
	step("create with a data URL", func() error {
		params := order()
		params.InputReference.OfImageInputReference = &openai.ImageInputReferenceParam{
			ImageURL: openai.String("data:image/png;base64," + base64.StdEncoding.EncodeToString(png)),
		}
		return held(note(client.Videos.New(ctx, params)))
	})
	step("list", func() error {
		pager := client.Videos.ListAutoPaging(ctx, openai.VideoListParams{Limit: openai.Int(1), Order: openai.VideoListParamsOrderAsc})
		var found []string
		for pager.Next() {
			found = append(found, pager.Current().ID)
		}
		return errors.Join(pager.Err(), expect(found, made))
	})
	step("content", func() error {
		for variant, kind := range map[string]string{"video": "video/mp4", "thumbnail": "image/", "spritesheet": "image/"} {
			params := openai.VideoDownloadContentParams{Variant: openai.VideoDownloadContentParamsVariant(variant)}
			answer, err := client.Videos.DownloadContent(ctx, made[1], params)
			if err != nil {
				return err
			}
			content, err := io.ReadAll(answer.Body)
			if err != nil || len(content) < 100 || !strings.HasPrefix(answer.Header.Get("Content-Type"), kind) {
				return fmt.Errorf("%s: %v", variant, err)
			}
		}
		return nil
	})
	step("range", func() error {
		answer, err := client.Videos.DownloadContent(ctx, made[1], openai.VideoDownloadContentParams{}, option.WithHeader("Range", "bytes=4-7"))
		if err != nil {
			return err
		}
		part, err := io.ReadAll(answer.Body)
		return errors.Join(err, expect(answer.StatusCode, http.StatusPartialContent), expect(string(part), "ftyp"))
	})
	step("remix", func() error {
		params := openai.VideoRemixParams{Prompt: "the same fox at night"}
		video, err := client.Videos.Remix(ctx, made[1], params, option.WithJSONSet("max_credits", "100"))
		return errors.Join(held(video, err), expect(video.RemixedFromVideoID, made[1]))
	})
	step("delete", func() error {
		if _, err := client.Videos.Delete(ctx, made[1]); err != nil {
			return err
		}
		_, err := client.Videos.Get(ctx, made[1])
		return refused(err, refusal{404, "not_found", ""})
	})
	step("user and metadata", func() error {
		params := order()
		// Text only: at any other value the SDK drops fields without a word.
		params.SetExtraFields(map[string]any{"user": "user-1", "metadata[order]": "42"})
		video, err := client.Videos.New(ctx, params)
		if err != nil {
			return err
		}
		extra := video.JSON.ExtraFields
		labels := []string{extra["user"].Raw(), extra["metadata"].Raw()}
		filter := []option.RequestOption{option.WithQuery("user", "user-1"), option.WithQuery("metadata[order]", "42")}
		page, err := client.Videos.List(ctx, openai.VideoListParams{}, filter...)
		if err != nil {
			return err
		}
		var ids []string
		for _, found := range page.Data {
			ids = append(ids, found.ID)
		}
		return errors.Join(
			expect(labels, []string{`"user-1"`, `{"order":"42"}`}),
			expect(ids, []string{video.ID}),
		)
	})
	step("other routes", func() error {
		var script, credits map[string]any
		if err := client.Post(ctx, "scripts", map[string]string{"topic": "a red fox"}, &script); err != nil {
			return err
		}
		err := client.Get(ctx, "credits", nil, &credits)
		return errors.Join(err, expect(script["status"], any("completed")), expect(credits["object"], any("credits")))
	})

	step("400 names the parameter", func() error {
		params := order()
		params.Seconds = "5"
		_, err := client.Videos.New(ctx, params)
		return refused(err, refusal{status: 400, param: "seconds"})
	})
	step("401", func() error {
		stranger := with("hf_unknown")
		_, err := stranger.Videos.Get(ctx, made[0])
		return refused(err, refusal{401, "invalid_api_key", ""})
	})
	step("402", func() error {
		poor := with(os.Getenv("POOR_KEY"))
		_, err := poor.Videos.New(ctx, order())
		return refused(err, refusal{402, "insufficient_credits", ""})
	})
	step("404", func() error {
		_, err := client.Videos.Get(ctx, "video_"+strings.Repeat("0", 32))
		return refused(err, refusal{404, "not_found", ""})
	})
	step("409", func() error {
		params := order()
		params.Prompt = "a fox [[never]]"
		endless, err := client.Videos.New(ctx, params)
		if err != nil {
			return err
		}
		_, err = client.Videos.Delete(ctx, endless.ID)
		return refused(err, refusal{409, "video_not_terminal", ""})
	})
	step("429", func() error {
		full := with(os.Getenv("FULL_KEY"))
		return held(full.Videos.New(ctx, order()))
	})

	step("max_credits", func() error {
		params := order()
		params.SetExtraFields(map[string]any{"max_credits": "0.1"})
		_, err := client.Videos.New(ctx, params)
		return refused(err, refusal{status: 400, param: "max_credits"})
	})
	step("Idempotency-Key", func() error {
		key := option.WithHeader("Idempotency-Key", "order-1")
		first, err := client.Videos.New(ctx, order(), key)
		if err != nil {
			return err
		}
		second, err := client.Videos.New(ctx, order(), key)
		return errors.Join(err, expect(second.ID, first.ID))
	})
	step("a lost answer", func() error {
		lossy := with(os.Getenv("LOSSY_KEY"))
		if _, err := lossy.Videos.List(ctx, openai.VideoListParams{}); err != nil {
			return err
		}
		_, err := lossy.Videos.New(ctx, order())
		return err
	})
}
