// A message to a queue of SQS, by the AWS SDK for Node with its default retries, three tries.
process.removeAllListeners("warning"); // that it will need a newer Node
import { SQSClient, SendMessageCommand } from "@aws-sdk/client-sqs";

const sqs = new SQSClient({
  endpoint: `${process.env.EXTERNAL_API_URL}/aws-sqs`,
  region: "eu-central-1",
  credentials: { accessKeyId: "gallery", secretAccessKey: "gallery" },
  requestHandler: { requestTimeout: 1000, throwOnRequestTimeout: true },
  useQueueUrlAsEndpoint: false,
  md5: false, // the mock doesn't send the sum of what it got
});

try {
  const answer = await sqs.send(
    new SendMessageCommand({
      QueueUrl: "https://sqs.eu-central-1.amazonaws.com/000000000000/orders",
      MessageBody: "order 7",
    }),
  );
  if (!answer.MessageId) throw new Error(`no id: ${JSON.stringify(answer)}`);
} catch (error) {
  console.error(`${error.name}: ${error.message}`.replaceAll(/\s+/g, " "));
  process.exit(1);
}
