// What the AWS SDK for JavaScript does: lists, creates, invokes, changes and deletes.
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";

const sdk = createRequire(process.argv[2])("@aws-sdk/client-lambda");
const { LambdaClient, paginateListFunctions, waitUntilFunctionActiveV2 } = sdk;
const lambda = new LambdaClient({});
const send = (name, input) => lambda.send(new sdk[`${name}Command`](input));
const name = { FunctionName: "by-the-sdk" };

async function functions() {
  const found = [];
  for await (const page of paginateListFunctions({ client: lambda, pageSize: 1 }, {}))
    found.push(...page.Functions.map((one) => one.FunctionName));
  return found;
}

async function refusal(call) {
  try {
    return await call;
  } catch (error) {
    return [error.name, error.$metadata.httpStatusCode];
  }
}

await send("CreateFunction", {
  ...name,
  Role: "arn:aws:iam::123456789012:role/worker",
  Runtime: "python3.13",
  Handler: "main.handler",
  Code: { ZipFile: readFileSync(process.argv[3]) },
});
await waitUntilFunctionActiveV2({ client: lambda, maxWaitTime: 300 }, name);
const listed = await functions();
const answer = await send("Invoke", { ...name, Payload: '{"a": "\u00fc"}', LogType: "Tail" });
const event = await send("Invoke", { ...name, Payload: "{}", InvocationType: "Event" });
await send("TagResource", {
  Resource: (await send("GetFunction", name)).Configuration.FunctionArn,
  Tags: { by: "sdk" },
});
const streamed = await refusal(send("InvokeWithResponseStream", name));
await send("DeleteFunction", name);
console.log(
  JSON.stringify({
    listed,
    answer: JSON.parse(answer.Payload.transformToString()),
    log: Buffer.from(answer.LogResult, "base64").toString(),
    event: event.StatusCode,
    streamed,
    gone: await refusal(send("GetFunction", name)),
    left: await functions(),
  }),
);
