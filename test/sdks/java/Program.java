import com.openai.client.OpenAIClient;
import com.openai.client.okhttp.OpenAIOkHttpClient;
import com.openai.core.JsonValue;
import com.openai.core.MultipartField;
import com.openai.errors.BadRequestException;
import com.openai.errors.NotFoundException;
import com.openai.errors.OpenAIServiceException;
import com.openai.errors.UnauthorizedException;
import com.openai.errors.UnexpectedStatusCodeException;
import com.openai.models.videos.ImageInputReferenceParam;
import com.openai.models.videos.Video;
import com.openai.models.videos.VideoCreateParams;
import com.openai.models.videos.VideoDownloadContentParams;
import com.openai.models.videos.VideoListParams;
import com.openai.models.videos.VideoRemixParams;
import com.openai.models.videos.VideoSeconds;
import com.openai.models.videos.VideoSize;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The steps of ../steps.ts with OpenAI's Java SDK. */
class Program {
  interface Step {
    void run() throws Exception;
  }

  static final OpenAIClient client = with(System.getenv("API_KEY"));
  static final List<String> made = new ArrayList<>();

  static OpenAIClient with(String key) {
    return OpenAIOkHttpClient.builder().baseUrl(System.getenv("API_URL")).apiKey(key).build();
  }

  static VideoCreateParams.Builder order() {
    return VideoCreateParams.builder()
        .prompt("a red fox")
        .model("sora-2")
        .seconds(VideoSeconds._4)
        .size(VideoSize._720X1280);
  }

  static void step(String name, Step step) {
    try {
      step.run();
      System.out.println("ok " + name);
    } catch (Throwable error) {
      System.out.println("not ok " + name + ": " + error.toString().replace("\n", " "));
    }
  }

  static void expect(Object got, Object wanted) {
    if (!wanted.equals(got)) throw new AssertionError("got " + got + ", wanted " + wanted);
  }

  static String state(Video video) {
    Map<?, ?> credits = video._additionalProperties().get("credits").convert(Map.class);
    return String.valueOf(credits.get("state"));
  }

  static void held(Video video) {
    video.validate();
    Set<String> keys = Set.of("id", "object", "model", "status", "progress", "created_at", "completed_at", "expires_at",
        "prompt", "size", "seconds", "remixed_from_video_id", "error", "credits");
    for (String key : keys) expect(video._allProperties().containsKey(key), true);
    // The provider may have it by the time of the answer.
    expect(Set.of("queued", "in_progress").contains(video.status().asString()), true);
    expect(state(video), "held");
  }

  static void heldAndNoted(Video video) {
    made.add(video.id());
    held(video);
  }

  static <E extends OpenAIServiceException> void refused(Step call, Class<E> type, int status, String code, String param)
      throws Exception {
    try {
      call.run();
    } catch (OpenAIServiceException error) {
      if (!type.isInstance(error)) throw error;
      expect(error.statusCode(), status);
      if (code != null) expect(error.code().orElse(""), code);
      if (param != null) expect(error.param().orElse(""), param);
      return;
    }
    throw new AssertionError("not refused");
  }

  public static void main(String[] args) throws Exception {
    byte[] png = Files.readAllBytes(Path.of(System.getenv("PNG_FILE")));

    step("create", () -> heldAndNoted(client.videos().create(order().build())));
    step("poll", () -> {
      Video video = client.videos().retrieve(made.get(0));
      for (long deadline = System.currentTimeMillis() + 30_000; System.currentTimeMillis() < deadline; ) {
        if (!Set.of("queued", "in_progress").contains(video.status().asString())) break;
        Thread.sleep(100);
        video = client.videos().retrieve(made.get(0));
      }
      expect(List.of(video.status().asString(), state(video)), List.of("completed", "charged"));
    });
    step("create with a file", () -> {
      MultipartField<VideoCreateParams.InputReference> file =
          MultipartField.<VideoCreateParams.InputReference>builder()
              .value(VideoCreateParams.InputReference.ofStream(new ByteArrayInputStream(png)))
              .filename("fox.png")
              .contentType("image/png")
              .build();
      heldAndNoted(client.videos().create(order().inputReference(file).build()));
    });
    step("create with a data URL", () -> {
      String url = "data:image/png;base64," + Base64.getEncoder().encodeToString(png);
      ImageInputReferenceParam reference = ImageInputReferenceParam.builder().imageUrl(url).build();
      heldAndNoted(client.videos().create(order().inputReference(reference).build()));
    });
    step("list", () -> {
      VideoListParams oldestFirst = VideoListParams.builder().limit(1).order(VideoListParams.Order.ASC).build();
      List<String> found = client.videos().list(oldestFirst).autoPager().stream().map(Video::id).toList();
      expect(found, made);
    });
    step("content", () -> {
      Map<String, String> types = Map.of("video", "video/mp4", "thumbnail", "image/", "spritesheet", "image/");
      for (Map.Entry<String, String> wanted : types.entrySet()) {
        VideoDownloadContentParams params = VideoDownloadContentParams.builder()
            .variant(VideoDownloadContentParams.Variant.of(wanted.getKey()))
            .build();
        try (var content = client.videos().downloadContent(made.get(0), params)) {
          expect(content.headers().values("content-type").get(0).startsWith(wanted.getValue()), true);
          expect(content.body().readAllBytes().length > 100, true);
        }
      }
    });
    step("range", () -> {
      VideoDownloadContentParams params =
          VideoDownloadContentParams.builder().putAdditionalHeader("Range", "bytes=4-7").build();
      try (var part = client.videos().downloadContent(made.get(0), params); InputStream body = part.body()) {
        expect(part.statusCode(), 206);
        expect(new String(body.readAllBytes()), "ftyp");
      }
    });
    step("remix", () -> {
      VideoRemixParams params = VideoRemixParams.builder()
          .prompt("the same fox at night")
          .putAdditionalBodyProperty("max_credits", JsonValue.from("100"))
          .build();
      Video remix = client.videos().remix(made.get(0), params);
      held(remix);
      expect(remix.remixedFromVideoId().orElse(""), made.get(0));
    });
    step("delete", () -> {
      expect(client.videos().delete(made.get(0)).deleted(), true);
      refused(() -> client.videos().retrieve(made.get(0)), NotFoundException.class, 404, "not_found", null);
    });

    step("user and metadata", () -> {
      VideoCreateParams params = order()
          .putAdditionalBodyProperty("user", JsonValue.from("user-1"))
          .putAdditionalBodyProperty("metadata", JsonValue.from(Map.of("order", "42")))
          .build();
      Video video = client.videos().create(params);
      expect(video._additionalProperties().get("user").convert(String.class), "user-1");
      expect(video._additionalProperties().get("metadata").convert(Map.class), Map.of("order", "42"));
      VideoListParams filter = VideoListParams.builder()
          .putAdditionalQueryParam("user", "user-1")
          .putAdditionalQueryParam("metadata[order]", "42")
          .build();
      expect(client.videos().list(filter).data().stream().map(Video::id).toList(), List.of(video.id()));
    });

    step("400 names the parameter", () -> {
      VideoCreateParams params = order().seconds(VideoSeconds.of("5")).build();
      refused(() -> client.videos().create(params), BadRequestException.class, 400, null, "seconds");
    });
    step("401", () -> refused(() -> with("hf_unknown").videos().retrieve(made.get(0)), UnauthorizedException.class, 401,
        "invalid_api_key", null));
    step("402", () -> refused(() -> with(System.getenv("POOR_KEY")).videos().create(order().build()),
        UnexpectedStatusCodeException.class, 402, "insufficient_credits", null));
    step("404", () -> refused(() -> client.videos().retrieve("video_" + "0".repeat(32)), NotFoundException.class, 404,
        "not_found", null));
    step("409", () -> {
      String endless = client.videos().create(order().prompt("a fox [[never]]").build()).id();
      refused(() -> client.videos().delete(endless), UnexpectedStatusCodeException.class, 409, "video_not_terminal", null);
    });
    step("429", () -> held(with(System.getenv("FULL_KEY")).videos().create(order().build())));

    step("max_credits", () -> {
      VideoCreateParams params = order().putAdditionalBodyProperty("max_credits", JsonValue.from("0.1")).build();
      refused(() -> client.videos().create(params), BadRequestException.class, 400, null, "max_credits");
    });
    step("Idempotency-Key", () -> {
      VideoCreateParams params = order().putAdditionalHeader("Idempotency-Key", "order-1").build();
      expect(client.videos().create(params).id(), client.videos().create(params).id());
    });
    step("a lost answer", () -> {
      OpenAIClient lossy = with(System.getenv("LOSSY_KEY"));
      lossy.videos().list();
      expect(lossy.videos().create(order().build()).id().startsWith("video_"), true);
    });
    System.exit(0);
  }
}
