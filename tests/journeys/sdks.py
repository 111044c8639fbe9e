"""The vendors' own SDKs, unmodified, behind one small interface: what a test asks and what comes back."""
import dataclasses
import json

import anthropic
import cohere
import openai

WEATHER = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}


@dataclasses.dataclass
class Said:
    text: str = ""
    calls: list = dataclasses.field(default_factory=list)  # (id, name, arguments)
    finish: str = ""
    usage: tuple = (0, 0)
    model: str = ""
    history: list = dataclasses.field(default_factory=list)  # What the SDK's user appends to the conversation.


class Chat:
    name = "openai"
    stops = {"stop": "stop", "tool_calls": "calls", "length": "length"}

    def __init__(self, url, key="none", **options):
        self.client = openai.OpenAI(base_url=url + "/openai/v1", api_key=key, **options)

    def question(self, text):
        return [{"role": "user", "content": text}]

    def results(self, calls, texts):
        return [{"role": "tool", "tool_call_id": call[0], "content": text} for call, text in zip(calls, texts)]

    def tools(self):
        return [{"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": WEATHER}}]

    def ask(self, model, messages, tools=None, **more):
        if tools:
            more["tools"] = tools
        reply = self.client.chat.completions.create(model=model, messages=messages, **more)
        choice = reply.choices[0]
        calls = [(c.id, c.function.name, json.loads(c.function.arguments)) for c in choice.message.tool_calls or []]
        return Said(choice.message.content or "", calls, self.stops[choice.finish_reason],
                    (reply.usage.prompt_tokens, reply.usage.completion_tokens), reply.model,
                    [choice.message.model_dump(exclude_none=True)])

    def stream(self, model, messages, tools=None, **more):
        if tools:
            more["tools"] = tools
        with self.client.chat.completions.stream(model=model, messages=messages, stream_options={"include_usage": True},
                                                 **more) as stream:
            deltas = "".join(event.delta for event in stream if event.type == "content.delta")
            reply = stream.get_final_completion()
        choice = reply.choices[0]
        assert (choice.message.content or "") == deltas
        calls = [(c.id, c.function.name, json.loads(c.function.arguments)) for c in choice.message.tool_calls or []]
        return Said(deltas, calls, self.stops[choice.finish_reason],
                    (reply.usage.prompt_tokens, reply.usage.completion_tokens), reply.model,
                    [choice.message.model_dump(exclude_none=True)])

    def raw_stream(self, model, messages):
        return self.client.chat.completions.create(model=model, messages=messages, stream=True)


class Responses:
    name = "responses"

    def __init__(self, url, key="none", **options):
        self.client = openai.OpenAI(base_url=url + "/openai/v1", api_key=key, **options)

    def question(self, text):
        return [{"role": "user", "content": text}]

    def results(self, calls, texts):
        return [{"type": "function_call_output", "call_id": call[0], "output": text} for call, text in zip(calls, texts)]

    def tools(self):
        return [{"type": "function", "name": "weather", "description": "Tells it.", "parameters": WEATHER, "strict": False}]

    def said(self, reply):
        calls = [(i.call_id, i.name, json.loads(i.arguments)) for i in reply.output if i.type == "function_call"]
        finish = "calls" if calls else {"completed": "stop", "incomplete": "length"}[reply.status]
        return Said(reply.output_text, calls, finish, (reply.usage.input_tokens, reply.usage.output_tokens), reply.model,
                    [item.model_dump(exclude_none=True, exclude={"parsed", "parsed_arguments"}) for item in reply.output])

    def ask(self, model, messages, tools=None, **more):
        if tools:
            more["tools"] = tools
        return self.said(self.client.responses.create(model=model, input=messages, **more))

    def stream(self, model, messages, tools=None, **more):
        if tools:
            more["tools"] = tools
        with self.client.responses.stream(model=model, input=messages, **more) as stream:
            numbers, deltas = [], ""
            for event in stream:
                numbers.append(event.sequence_number)
                deltas += event.delta if event.type == "response.output_text.delta" else ""
            said = self.said(stream.get_final_response())
        assert numbers == list(range(len(numbers))) and said.text == deltas
        return said

    def raw_stream(self, model, messages):
        return self.client.responses.create(model=model, input=messages, stream=True)


class Messages:
    name = "anthropic"
    stops = {"end_turn": "stop", "tool_use": "calls", "max_tokens": "length"}

    def __init__(self, url, key="none", **options):
        self.client = anthropic.Anthropic(base_url=url + "/anthropic", api_key=key, **options)

    def question(self, text):
        return [{"role": "user", "content": text}]

    def results(self, calls, texts):
        blocks = [{"type": "tool_result", "tool_use_id": call[0], "content": text} for call, text in zip(calls, texts)]
        return [{"role": "user", "content": blocks}]

    def tools(self):
        return [{"name": "weather", "description": "Tells it.", "input_schema": WEATHER}]

    def said(self, reply):
        text = "".join(b.text for b in reply.content if b.type == "text")
        calls = [(b.id, b.name, b.input) for b in reply.content if b.type == "tool_use"]
        usage = reply.usage
        read = usage.input_tokens + (usage.cache_read_input_tokens or 0) + (usage.cache_creation_input_tokens or 0)
        content = [block.model_dump(exclude_none=True, exclude={"parsed_output"}) for block in reply.content]
        return Said(text, calls, self.stops[reply.stop_reason], (read, usage.output_tokens), reply.model,
                    [{"role": "assistant", "content": content}])

    def ask(self, model, messages, tools=None, **more):
        if tools:
            more["tools"] = tools
        return self.said(self.client.messages.create(model=model, messages=messages, max_tokens=100, **more))

    def stream(self, model, messages, tools=None, **more):
        if tools:
            more["tools"] = tools
        with self.client.messages.stream(model=model, messages=messages, max_tokens=100, **more) as stream:
            deltas = "".join(stream.text_stream)
            said = self.said(stream.get_final_message())
        assert said.text == deltas
        return said

    def raw_stream(self, model, messages):
        return self.client.messages.create(model=model, messages=messages, max_tokens=100, stream=True)


class CohereChat:
    name = "cohere"
    stops = {"COMPLETE": "stop", "TOOL_CALL": "calls", "MAX_TOKENS": "length"}

    def __init__(self, url, key="none", **options):
        self.client = cohere.ClientV2(base_url=url + "/cohere", api_key=key, **options)

    def question(self, text):
        return [{"role": "user", "content": text}]

    def results(self, calls, texts):
        return [{"role": "tool", "tool_call_id": call[0], "content": text} for call, text in zip(calls, texts)]

    def tools(self):
        return [{"type": "function", "function": {"name": "weather", "description": "Tells it.", "parameters": WEATHER}}]

    def ask(self, model, messages, tools=None, **more):
        if tools:
            more["tools"] = tools
        reply = self.client.chat(model=model, messages=messages, **more)
        text = "".join(p.text for p in reply.message.content or [] if p.type == "text") or (reply.message.tool_plan or "")
        calls = [(c.id, c.function.name, json.loads(c.function.arguments)) for c in reply.message.tool_calls or []]
        tokens = reply.usage.tokens
        history = [json.loads(reply.message.json(exclude_none=True))]
        return Said(text, calls, self.stops[reply.finish_reason], (tokens.input_tokens, tokens.output_tokens), model, history)

    def stream(self, model, messages, tools=None, **more):
        if tools:
            more["tools"] = tools
        said, open_now = Said(model=model), set()
        for event in self.client.chat_stream(model=model, messages=messages, **more):
            message = getattr(getattr(event, "delta", None), "message", None)
            if event.type in ("content-start", "tool-call-start"):
                open_now.add((event.type.split("-")[0], event.index))
            if event.type in ("content-end", "tool-call-end"):
                open_now.remove((event.type.split("-")[0], event.index))
            if event.type == "content-delta":
                said.text += message.content.text or ""
            elif event.type == "tool-plan-delta":
                said.text += message.tool_plan
            elif event.type == "tool-call-start":
                said.calls.append([message.tool_calls.id, message.tool_calls.function.name, ""])
            elif event.type == "tool-call-delta":
                said.calls[event.index][2] += message.tool_calls.function.arguments
            elif event.type == "message-end":
                tokens = event.delta.usage.tokens
                said.finish = self.stops[event.delta.finish_reason]
                said.usage = (tokens.input_tokens, tokens.output_tokens)
        assert not open_now and said.finish
        said.calls = [(i, n, json.loads(a)) for i, n, a in said.calls]
        said.history = [{"role": "assistant", "tool_plan": said.text, "tool_calls": [
            {"id": i, "type": "function", "function": {"name": n, "arguments": json.dumps(a)}} for i, n, a in said.calls]}]
        return said

    def raw_stream(self, model, messages):
        return self.client.chat_stream(model=model, messages=messages)


SDKS = {sdk.name: sdk for sdk in (Chat, Responses, Messages, CohereChat)}
