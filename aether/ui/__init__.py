"""The page: the only room that imports Gradio. It shows what the runtime says and passes on what a person does."""
