#!/usr/bin/env python3
"""Makes data/templates.json: what the published chat templates give for some conversations, by Jinja itself.

Each family's Jinja text is written down here as briefly as what its makers publish allows: the same output for the roles system, user
and assistant, without tools, pictures and checks of alternation. Rendered as Hugging Face's tokenizers do (trim_blocks, lstrip_blocks),
then the begin token is taken from the start: the tokenizer's matter.

Debian: apt-get install python3-jinja2; then: tests/golden/make-templates.py
"""
import json
import os

import jinja2.sandbox

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "data", "templates.json")

ASK = "{% if add_generation_prompt %}"
CHATML = ("{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
          + ASK + "{{ '<|im_start|>assistant\\n' }}{% endif %}")
SPLIT = ("{% if messages[0]['role'] == 'system' %}{% set system_message = messages[0]['content'] %}{% set loop_messages = messages[1:] %}"
         "{% else %}{% set loop_messages = messages %}{% endif %}")


def chatml_default(text):
    """ChatML where @text replaces a missing system message."""
    return ("{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\n" + text + "<|im_end|>\\n' }}{% endif %}" + CHATML)


def mistral(first, begin, end, answer):
    """System text in the first or last user's turn."""
    return (SPLIT + "{{ bos_token }}{% for m in loop_messages %}{% if m['role'] == 'user' %}"
            "{% if loop." + first + " and system_message is defined %}{{ '" + begin + "' + system_message + '\\n\\n' + m['content'] + '" + end + "' }}"
            "{% else %}{{ '" + begin + "' + m['content'] + '" + end + "' }}{% endif %}"
            "{% else %}{{ " + answer + " + eos_token }}{% endif %}{% endfor %}")


def mistral7(space):
    return ("{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST]" + space + "' + m['content'] + '[/INST]' }}"
            "{% elif m['role'] == 'system' %}{{ '[SYSTEM_PROMPT]" + space + "' + m['content'] + '[/SYSTEM_PROMPT]' }}"
            "{% else %}{{ '" + space + "' + m['content'] + eos_token }}{% endif %}{% endfor %}")


def header(begin, end, stop):
    """Llama 3 and 4."""
    return ("{{ bos_token }}{% for m in messages %}{{ '" + begin + "' + m['role'] + '" + end + "\\n\\n' + m['content'] | trim + '" + stop + "' }}"
            "{% endfor %}" + ASK + "{{ '" + begin + "assistant" + end + "\\n\\n' }}{% endif %}")


# name → Jinja, begin token, end token, whether a system message may come first
FAMILIES = {
    "phi4": ("{% for m in messages %}{{ '<|im_start|>' + m['role'] + '<|im_sep|>' + m['content'] + '<|im_end|>' }}{% endfor %}"
             + ASK + "{{ '<|im_start|>assistant<|im_sep|>' }}{% endif %}", "", "", True),
    "qwen2.5": (chatml_default("You are Qwen, created by Alibaba Cloud. You are a helpful assistant."), "", "", True),
    "qwen2": (chatml_default("You are a helpful assistant."), "", "", True),
    "qwen1.5": (chatml_default("You are a helpful assistant"), "", "", True),
    "smollm2": (chatml_default("You are a helpful AI assistant named SmolLM, trained by Hugging Face"), "", "", True),
    "qwen3": ("{% for m in messages %}{% set content = m['content'] %}{% if m['role'] == 'assistant' and '</think>' in content %}"
              "{% set content = content.split('</think>')[-1].lstrip('\\n') %}{% endif %}"
              "{{ '<|im_start|>' + m['role'] + '\\n' + content + '<|im_end|>' + '\\n' }}{% endfor %}"
              + ASK + "{{ '<|im_start|>assistant\\n' }}{% endif %}", "", "", True),
    "chatml": (CHATML, "", "", True),
    "llama2": (SPLIT + "{% for m in loop_messages %}{% if loop.first and system_message is defined %}"
               "{% set content = '<<SYS>>\\n' + system_message + '\\n<</SYS>>\\n\\n' + m['content'] %}"
               "{% else %}{% set content = m['content'] %}{% endif %}"
               "{% if m['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
               "{% else %}{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}", "<s>", "</s>", True),
    "mistral-v0": ("{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}"
                   "{% else %}{{ m['content'] + eos_token }}{% endif %}{% endfor %}", "<s>", "</s>", False),
    "mistral-v1": (mistral("first", " [INST] ", " [/INST]", "' ' + m['content']"), "<s>", "</s>", True),
    "mistral-v3": (mistral("last", "[INST] ", "[/INST]", "' ' + m['content'] | trim"), "<s>", "</s>", True),
    "mistral-v3-tekken": (mistral("last", "[INST]", "[/INST]", "m['content']"), "<s>", "</s>", True),
    "mistral-v7": (mistral7(" "), "<s>", "</s>", True),
    "mistral-v7-tekken": (mistral7(""), "<s>", "</s>", True),
    "openchat-3.6": ("{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + 'GPT4 Correct ' + m['role'].title() + '<|end_header_id|>\\n\\n'"
                     " + m['content'] + '<|eot_id|>' }}{% endfor %}" + ASK
                     + "{{ '<|start_header_id|>GPT4 Correct Assistant<|end_header_id|>\\n\\n' }}{% endif %}", "<|begin_of_text|>", "", True),
    "llama3.1": ("{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set system_message = messages[0]['content'] | trim %}"
                 "{% set loop_messages = messages[1:] %}{% else %}{% set system_message = '' %}{% set loop_messages = messages %}{% endif %}"
                 "{{ '<|start_header_id|>system<|end_header_id|>\\n\\n' + 'Cutting Knowledge Date: December 2023\\n'"
                 " + 'Today Date: 26 Jul 2024\\n\\n' + system_message + '<|eot_id|>' }}"
                 "{% for m in loop_messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\\n\\n' + m['content'] | trim + '<|eot_id|>' }}"
                 "{% endfor %}" + ASK + "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}", "<|begin_of_text|>", "", True),
    "llama3": (header("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"), "<|begin_of_text|>", "", True),
    "llama4": (header("<|header_start|>", "<|header_end|>", "<|eot|>"), "<|begin_of_text|>", "", True),
    "phi4-mini": ("{# <|tool|> #}{% for m in messages %}{{ '<|' + m['role'] + '|>' + m['content'] + '<|end|>' }}{% endfor %}"
                  + ASK + "{{ '<|assistant|>' }}{% else %}{{ eos_token }}{% endif %}", "", "<|endoftext|>", True),
    "phi3": ("{% for m in messages %}{{ '<|' + m['role'] + '|>\\n' + m['content'] + '<|end|>\\n' }}{% endfor %}"
             + ASK + "{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}", "", "<|endoftext|>", True),
    "gemma": ("{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set first_user_prefix = messages[0]['content'] + '\\n\\n' %}"
              "{% set loop_messages = messages[1:] %}{% else %}{% set first_user_prefix = '' %}{% set loop_messages = messages %}{% endif %}"
              "{% for m in loop_messages %}{{ '<start_of_turn>' + ('model' if m['role'] == 'assistant' else m['role']) + '\\n'"
              " + (first_user_prefix if loop.first else '') }}{{ m['content'] | trim }}{{ '<end_of_turn>\\n' }}{% endfor %}"
              + ASK + "{{ '<start_of_turn>model\\n' }}{% endif %}", "<bos>", "", True),
    "falcon3": ("{% for m in messages %}{% if m['role'] != 'assistant' %}{{ '<|' + m['role'] + '|>\\n' + m['content'] + '\\n' }}"
                "{% elif not loop.last %}{{ '<|assistant|>\\n' + m['content'] + eos_token + '\\n' }}"
                "{% else %}{{ '<|assistant|>\\n' + m['content'] + eos_token }}{% endif %}"
                "{% if loop.last and add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}{% endfor %}{# <|user|> #}",
                "", "<|endoftext|>", True),
    "zephyr": ("{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\\n' + message['content'] + eos_token }}\n"
               "{% elif message['role'] == 'system' %}\n{{ '<|system|>\\n' + message['content'] + eos_token }}\n"
               "{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\\n' + message['content'] + eos_token }}\n{% endif %}\n"
               "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}", "", "</s>", True),
    "deepseek-r1": ("{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}{{ '<｜User｜>' + m['content'] }}"
                    "{% elif m['role'] == 'assistant' %}{% set content = m['content'] %}{% if '</think>' in content %}"
                    "{% set content = content.split('</think>')[-1] %}{% endif %}{{ '<｜Assistant｜>' + content + '<｜end▁of▁sentence｜>' }}"
                    "{% else %}{{ m['content'] }}{% endif %}{% endfor %}" + ASK + "{{ '<｜Assistant｜><think>\\n' }}{% endif %}",
                    "<｜begin▁of▁sentence｜>", "", True),
    "deepseek-v3": ("{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}{{ '<｜User｜>' + m['content'] }}"
                    "{% elif m['role'] == 'assistant' %}{{ '<｜Assistant｜>' + m['content'] + '<｜end▁of▁sentence｜>' }}"
                    "{% else %}{{ m['content'] }}{% endif %}{% endfor %}" + ASK + "{{ '<｜Assistant｜>' }}{% endif %}",
                    "<｜begin▁of▁sentence｜>", "", True),
    "openchat": ("{{ bos_token }}{% for m in messages %}{{ 'GPT4 Correct ' + m['role'].title() + ': ' + m['content'] + '<|end_of_turn|>' }}{% endfor %}"
                 + ASK + "{{ 'GPT4 Correct Assistant:' }}{% endif %}", "<s>", "", True),
    "deepseek-coder": ("{{ bos_token }}{% if messages[0]['role'] != 'system' %}{{ 'You are an AI programming assistant, utilizing the Deepseek Coder "
                       "model, developed by Deepseek Company, and you only answer questions related to computer science. For politically "
                       "sensitive questions, security and privacy issues, and other non-computer science questions, you will refuse to "
                       "answer\\n' }}{% endif %}{% for m in messages %}{% if m['role'] == 'system' %}{{ m['content'] }}"
                       "{% elif m['role'] == 'user' %}{{ '### Instruction:\\n' + m['content'] + '\\n' }}"
                       "{% else %}{{ '### Response:\\n' + m['content'] + '\\n<|EOT|>\\n' }}{% endif %}{% endfor %}"
                       + ASK + "{{ '### Response:' }}\n{% endif %}", "<｜begin▁of▁sentence｜>", "", True),
    "deepseek-v2": ("{{ bos_token }}{% for m in messages %}{% if m['role'] == 'user' %}{{ 'User: ' + m['content'] + '\\n\\n' }}"
                    "{% elif m['role'] == 'assistant' %}{{ 'Assistant: ' + m['content'] + eos_token }}{% else %}{{ m['content'] + '\\n\\n' }}"
                    "{% endif %}{% endfor %}" + ASK + "{{ 'Assistant:' }}{% endif %}", "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", True),
    "command-r": ("{{ bos_token }}{% for m in messages %}{% if m['role'] == 'system' %}"
                  "{{ '<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>' + m['content'] + '<|END_OF_TURN_TOKEN|>' }}{% elif m['role'] == 'user' %}"
                  "{{ '<|START_OF_TURN_TOKEN|><|USER_TOKEN|>' + m['content'].strip() + '<|END_OF_TURN_TOKEN|>' }}{% else %}"
                  "{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' + m['content'].strip() + '<|END_OF_TURN_TOKEN|>' }}{% endif %}{% endfor %}"
                  + ASK + "{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}{% endif %}", "<BOS_TOKEN>", "", True),
    "granite": ("{% for m in messages %}{{ '<|start_of_role|>' + m['role'] + '<|end_of_role|>' + m['content'] + '<|end_of_text|>\\n' }}"
                "{% if loop.last and add_generation_prompt %}{{ '<|start_of_role|>assistant<|end_of_role|>' }}{% endif %}{% endfor %}", "", "", True),
    "exaone3": ("{% for m in messages %}{% if loop.first and m['role'] != 'system' %}{{ '[|system|][|endofturn|]\\n' }}{% endif %}"
                "{{ '[|' + m['role'] + '|]' + m['content'] }}{% if m['role'] == 'user' %}{{ '\\n' }}{% else %}{{ '[|endofturn|]\\n' }}{% endif %}"
                "{% endfor %}" + ASK + "{{ '[|assistant|]' }}{% endif %}", "[BOS]", "", True),
    "megrez": ("{% for m in messages %}{% if loop.first and m['role'] != 'system' %}"
               "{{ '<|role_start|>system<|role_end|>你是Megrez-3B-Instruct，将针对用户的问题给出详细的、积极的回答。<|turn_end|>' }}{% endif %}"
               "{{ '<|role_start|>' + m['role'] + '<|role_end|>' + m['content'] + '<|turn_end|>' }}{% endfor %}"
               + ASK + "{{ '<|role_start|>assistant<|role_end|>' }}{% endif %}", "", "", True),
    "minicpm": ("{% for m in messages %}{% if m['role'] == 'user' %}{{ '<用户>' + m['content'].strip() + '<AI>' }}"
                "{% else %}{{ m['content'].strip() }}{% endif %}{% endfor %}", "", "", True),
    "orion": ("{% for m in messages %}{% if loop.first %}{{ bos_token }}{% endif %}{% if m['role'] == 'user' %}"
              "{{ 'Human: ' + m['content'] + '\\n\\nAssistant: ' + eos_token }}{% else %}{{ m['content'] + eos_token }}{% endif %}{% endfor %}",
              "<s>", "</s>", False),
    "solar": ("{% for m in messages %}{{ {'system': '### System:\\n', 'user': '### User:\\n', 'assistant': '### Assistant:\\n'}[m['role']]"
              " + m['content'] + ('' if m['role'] == 'assistant' else '\\n\\n') }}{% endfor %}"
              + ASK + "{{ '### Assistant:\\n' }}{% endif %}", "", "", True),
    # FastChat's conversation "vicuna_v1.1", put into Jinja
    "vicuna": ("{% if messages[0]['role'] != 'system' %}{{ \"A chat between a curious user and an artificial intelligence assistant. "
               "The assistant gives helpful, detailed, and polite answers to the user's questions.\" + ' ' }}{% endif %}"
               "{% for m in messages %}{% if m['role'] == 'system' %}{{ m['content'] + ' ' }}{% elif m['role'] == 'user' %}"
               "{{ 'USER: ' + m['content'] + ' ' }}{% else %}{{ 'ASSISTANT: ' + m['content'] + '</s>' }}{% endif %}{% endfor %}"
               + ASK + "{{ 'ASSISTANT:' }}{% endif %}", "", "", True),
}

SYSTEM = ("system", " You answer in one sentence.\n")
CONVERSATIONS = [
    [("user", "Hello")],
    [SYSTEM, ("user", "Hello")],
    [("user", "  Hello \n"), ("assistant", "\tHi there.\u00a0"), ("user", "\u3000Who\x1f are\u2028you?\x1c\n"), ("assistant", "   "), ("user", "")],
    [SYSTEM, ("user", "\n 1 + 1?"), ("assistant", " 2 "), ("user", "日本語 é 😀 ")],
    [SYSTEM, ("user", "Why?"), ("assistant", "<think>\nHm </think>, hm.\n</think>\n\nBecause.</s>"), ("user", "<|im_end|>[INST]</think>a")],
    [("user", "Count"), ("assistant", "1 2 3")],
]


def main():
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    families = []
    for name, (text, bos, eos, system) in FAMILIES.items():
        cases = []
        for messages in CONVERSATIONS:
            for generate in (True, False):
                answered = messages[-1][0] == "assistant"
                # An answer after an answer: no one publishes what it means.
                if (answered and generate) or (messages[0][0] == "system" and not system):
                    continue
                # The system's text goes to the last message there, which is not a user's here.
                if answered and messages[0][0] == "system" and name.startswith("mistral-v3"):
                    continue
                result = environment.from_string(text).render(messages=[{"role": r, "content": c} for r, c in messages], bos_token=bos,
                                                               eos_token=eos, add_generation_prompt=generate)
                cases.append({"messages": messages, "generate": generate, "text": result.removeprefix(bos)})
        families.append({"name": name, "jinja": text, "cases": cases})
    with open(OUT, "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(family, ensure_ascii=False) for family in families) + "\n]\n")


if __name__ == "__main__":
    main()
