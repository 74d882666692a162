// Uses the generated Go client: create, retrieve until completed, content. Prints the number of bytes.
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"time"

	holdfast "holdfast.test/client"
)

func main() {
	configuration := holdfast.NewConfiguration()
	configuration.Servers = holdfast.ServerConfigurations{{URL: os.Getenv("API")}}
	videos := holdfast.NewAPIClient(configuration).VideosAPI
	ctx := context.WithValue(context.Background(), holdfast.ContextAccessToken, os.Getenv("API_KEY"))

	body := holdfast.NewCreateVideoBody("a red fox")
	body.SetSeconds("4")
	created, _, err := videos.CreateVideo(ctx).CreateVideoBody(*body).Execute()
	if err != nil {
		log.Fatal("create: ", err)
	}
	if created.Video == nil || created.Video.Credits.State != "held" {
		log.Fatalf("create: %+v", created)
	}

	until := time.Now().Add(30 * time.Second)
	for {
		video, _, err := videos.RetrieveVideo(ctx, created.Video.Id).Execute()
		if err != nil {
			log.Fatal("retrieve: ", err)
		}
		if video.Status == "completed" && video.Credits.State == "charged" {
			break
		}
		if video.Status == "failed" || time.Now().After(until) {
			log.Fatalf("retrieve: %+v", video)
		}
		time.Sleep(200 * time.Millisecond)
	}

	content, _, err := videos.DownloadVideoContent(ctx, created.Video.Id).Execute()
	if err != nil {
		log.Fatal("content: ", err)
	}
	info, err := content.Stat()
	if err != nil {
		log.Fatal("content: ", err)
	}
	fmt.Println(info.Size())
}
